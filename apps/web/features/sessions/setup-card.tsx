'use client';
/** What the set-up script of a session prints while it runs, and what is to be done where it failed. */
import { useState } from 'react';
import { CircleAlert } from 'lucide-react';
import { routes, type Session } from '@remote-claude/contract';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { toast } from 'sonner';

import { newForm, sentenceOf } from '../../lib/client';
import { putSession } from '../../lib/queries';
import { useSession, useSessionView } from '../../lib/session-context';
import { Button } from '../../ui/button';
import { Output } from '../../ui/output';
import { SetupDialog } from './setup-dialog';

/** Follows what is printed; empty as long as nothing is. */
export const SetupOutput = () => {
  const tail = useSessionView(({ log }) => log.state.setup?.tail ?? '');
  if (tail.trim() === '') return null;
  return (
    <div
      aria-label="Output of the set-up script"
      className="mt-1.5 flex max-h-48 flex-col-reverse overflow-auto rounded-md"
    >
      <Output text={tail} />
    </div>
  );
};

const setupFailure = ({ exitCode, reason }: { exitCode: number | null; reason: string | null }): string =>
  exitCode === null ? `Set-up failed. ${reason ?? ''}`.trim() : `Set-up failed with code ${exitCode}.`;

export const SetupFailed = ({ session }: { session: Session }) => {
  const { can } = useSession();
  const queries = useQueryClient();
  const setup = useSessionView(({ log }) => log.state.setup);
  const [hidden, setHidden] = useState<string | null>(null);
  const [isShown, setShown] = useState(false);
  const [isChanging, setChanging] = useState(false);
  const again = useMutation({
    mutationFn: () => newForm().call(routes.setup.run, { params: { id: session.id }, body: {} }),
    onSuccess: (answer) => putSession(queries, answer),
    onError: (thrown) => toast.error(sentenceOf(thrown)),
  });
  if (setup === null || setup.status !== 'failed' || hidden === setup.setupId) return null;
  return (
    <section
      aria-label="Set-up failed"
      data-testid="setup-failed"
      className="mb-2 rounded-lg bg-danger-soft px-3.5 py-2.5"
    >
      <div className="flex flex-wrap items-start gap-2.5">
        <CircleAlert size={16} className="mt-0.5 shrink-0 text-danger" aria-hidden />
        <p className="min-w-0 flex-1 basis-56 break-words">
          {setupFailure(setup)} <span className="text-muted">The session works, and what the script did is kept.</span>
        </p>
        <div className="flex flex-wrap gap-1.5">
          {setup.tail.trim() !== '' && (
            <Button size="sm" variant="ghost" aria-expanded={isShown} onClick={() => setShown(!isShown)}>
              {isShown ? 'Hide output' : 'Show output'}
            </Button>
          )}
          {can('session.execute') && (
            <>
              <Button size="sm" variant="ghost" onClick={() => setChanging(true)}>
                Change…
              </Button>
              <Button size="sm" busy={again.isPending} onClick={() => again.mutate()}>
                Run again
              </Button>
            </>
          )}
          <Button size="sm" variant="ghost" onClick={() => setHidden(setup.setupId)}>
            Hide
          </Button>
        </div>
      </div>
      {isShown && <SetupOutput />}
      {isChanging && <SetupDialog session={session} onClose={() => setChanging(false)} />}
    </section>
  );
};

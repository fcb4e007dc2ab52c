'use client';
/** What Claude waits for, above the composer: one at a time, the oldest first. Nothing here is answered by a key that means "away". */
import { useEffect, useState } from 'react';
import { ChevronLeft, ChevronRight } from 'lucide-react';
import { useSession, useSessionView } from '../../lib/session-context';
import { toast } from 'sonner';
import { IconButton } from '../../ui/button';
import { ApprovalCard } from './approval-card';

/** Who answers with the keyboard goes on in the composer: what has the focus now is about to go. */
const leaveByKeyboard = (): void => {
  const focused = document.activeElement;
  if (focused?.matches(':focus-visible'))
    focused.closest('[data-pane]')?.querySelector<HTMLElement>('[data-pane-focus]')?.focus();
};

/** The next question takes the place of the one before: a second click of the same hand is not its answer. */
const restMs = 500;

export const ApprovalDock = () => {
  const { id: sessionId, command, can, store } = useSession();
  const approvals = useSessionView(({ log }) => log.state.approvals);
  const outbox = useSessionView((view) => view.outbox);
  const [chosen, setChosen] = useState<string | null>(null);
  const [answered, setAnswered] = useState<Readonly<Record<string, string>>>({});
  const [resting, setResting] = useState(false);
  const index = Math.max(
    0,
    approvals.findIndex(({ approvalId }) => approvalId === chosen),
  );
  const approval = approvals[index];
  // What was answered by anyone is gone from the list; so is what we remember of it.
  useEffect(() => {
    setAnswered((known) =>
      Object.fromEntries(Object.entries(known).filter(([id]) => approvals.some(({ approvalId }) => approvalId === id))),
    );
  }, [approvals]);
  // Somebody was quicker, and the question is gone with its card: who it was is said anyway.
  useEffect(() => {
    for (const { command: late, status, error } of outbox) {
      if (late.type !== 'approve' || status !== 'failed') continue;
      if (approvals.some(({ approvalId }) => approvalId === late.payload.approvalId)) continue;
      toast.info(error);
      store.discard(late.id);
    }
  }, [approvals, outbox, store]);
  if (approval === undefined) return <div aria-live="assertive" className="sr-only" />;

  const sent = outbox.find(({ command: { id } }) => id === answered[approval.approvalId]);
  const failed = sent?.status === 'failed' ? sent : undefined;
  const busy = answered[approval.approvalId] !== undefined && failed === undefined;
  const turn = (by: number): void =>
    setChosen(approvals[(index + by + approvals.length) % approvals.length]?.approvalId ?? null);
  return (
    // Escape here neither answers nor interrupts.
    <div role="presentation" onKeyDown={(event) => event.key === 'Escape' && event.stopPropagation()}>
      <div aria-live="assertive" className="sr-only">
        Claude asks: {approval.title}
      </div>
      <section
        aria-label="Approval"
        data-testid="approval"
        data-tool={approval.tool}
        className="animate-rise mb-2 flex max-h-[min(60dvh,560px)] flex-col overflow-hidden rounded-xl border border-attention-mark/60 bg-surface"
      >
        {approvals.length > 1 && (
          <div className="flex items-center justify-between border-b border-line py-0.5 pr-1 pl-3.5 text-xs text-muted">
            <span>
              {index + 1} of {approvals.length} waiting
            </span>
            <span>
              <IconButton size="sm" label="The one before" onClick={() => turn(-1)}>
                <ChevronLeft size={14} aria-hidden />
              </IconButton>
              <IconButton size="sm" label="The next one" onClick={() => turn(1)}>
                <ChevronRight size={14} aria-hidden />
              </IconButton>
            </span>
          </div>
        )}
        <ApprovalCard
          sessionId={sessionId}
          approval={approval}
          busy={busy || resting}
          allowed={can('session.approve')}
          failure={failed?.error ?? null}
          onAnswer={(answer) => {
            if (failed !== undefined) store.discard(failed.command.id);
            const id = command('approve', { approvalId: approval.approvalId, scope: 'once', ...answer });
            setAnswered((known) => ({ ...known, [approval.approvalId]: id }));
            setResting(true);
            setTimeout(() => setResting(false), restMs);
            leaveByKeyboard();
          }}
        />
      </section>
    </div>
  );
};

'use client';
/** What Claude waits for, above the composer: one at a time, the oldest first. Nothing here is answered by a key that means "away". */
import { useEffect, useState } from 'react';
import { ChevronLeft, ChevronRight } from 'lucide-react';
import { useInput, type SeenInput } from '../../lib/blobs';
import { useSession, useSessionView } from '../../lib/session-context';
import { count } from '../../lib/time';
import { Button, IconButton } from '../../ui/button';
import type { CardProps } from './card-props';
import { PlanCard } from './plan-card';
import { QuestionCard } from './question-card';
import { ToolCard } from './tool-card';

const Card = (props: CardProps) => {
  switch (props.approval.kind) {
    case 'question':
      return <QuestionCard {...props} />;
    case 'plan':
      return <PlanCard {...props} />;
    case 'tool':
      return <ToolCard {...props} />;
  }
};

/** Nobody is to allow what they have not seen without knowing that. */
const WholeNote = ({ bytes, seen: { state, retry } }: { bytes: number; seen: SeenInput }) => {
  if (state === 'whole') return null;
  const long = `This input has ${count(bytes)} bytes`;
  return (
    <div
      role={state === 'loading' ? 'status' : 'alert'}
      className="flex flex-wrap items-center gap-x-2 border-b border-line bg-attention-soft px-3.5 py-1.5 text-xs"
    >
      {state === 'loading' && `${long}. All of it is being loaded…`}
      {state === 'lost' && `${long}, too many to be kept: long texts in it are shown only in their beginning.`}
      {state === 'failed' && (
        <>
          {long}, and only its beginning is here: the rest could not be loaded.
          <Button size="sm" variant="quiet" onClick={retry}>
            Try again
          </Button>
        </>
      )}
    </div>
  );
};

/** Who answers with the keyboard goes on in the composer: what has the focus now is about to go. */
const leaveByKeyboard = (): void => {
  const focused = document.activeElement;
  if (focused?.matches(':focus-visible'))
    focused.closest('[data-pane]')?.querySelector<HTMLElement>('[data-pane-focus]')?.focus();
};

export const ApprovalDock = () => {
  const { id: sessionId, command, can, store } = useSession();
  const approvals = useSessionView(({ log }) => log.state.approvals);
  const outbox = useSessionView((view) => view.outbox);
  const [chosen, setChosen] = useState<string | null>(null);
  const [answered, setAnswered] = useState<Readonly<Record<string, string>>>({});
  const index = Math.max(
    0,
    approvals.findIndex(({ approvalId }) => approvalId === chosen),
  );
  const approval = approvals[index];
  const seen = useInput(sessionId, approval ?? null, true);
  // What was answered by anyone is gone from the list; so is what we remember of it.
  useEffect(() => {
    setAnswered((known) =>
      Object.fromEntries(Object.entries(known).filter(([id]) => approvals.some(({ approvalId }) => approvalId === id))),
    );
  }, [approvals]);
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
        <WholeNote bytes={approval.wholeInput?.bytes ?? 0} seen={seen} />
        <Card
          key={`${approval.approvalId} ${seen.state}`}
          approval={{ ...approval, input: seen.input }}
          busy={busy || seen.state === 'loading'}
          allowed={can('session.approve')}
          onAnswer={(answer) => {
            if (failed !== undefined) store.discard(failed.command.id);
            const id = command('approve', { approvalId: approval.approvalId, scope: 'once', ...answer });
            setAnswered((known) => ({ ...known, [approval.approvalId]: id }));
            leaveByKeyboard();
          }}
        />
        {failed !== undefined && (
          <p role="alert" className="border-t border-line px-3.5 py-2 text-danger">
            Your answer was not taken. {failed.error}
          </p>
        )}
      </section>
    </div>
  );
};

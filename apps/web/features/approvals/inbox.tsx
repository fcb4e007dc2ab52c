'use client';
/** What waits for an answer in all of a person's sessions, oldest first, answered in place. Closing it answers nothing. */
import { useEffect, useState } from 'react';
import Link from 'next/link';
import { useQueryClient } from '@tanstack/react-query';
import { ChevronRight, Inbox as InboxIcon } from 'lucide-react';
import { routes, type Approval } from '@remote-claude/contract';
import { toast } from 'sonner';

import { isCode, newForm, sentenceOf } from '../../lib/client';
import { cx } from '../../lib/cx';
import { approvalsKey, useApprovals } from '../../lib/queries';
import { ago } from '../../lib/time';
import { useNow } from '../../lib/use-now';
import { Button } from '../../ui/button';
import { Dialog } from '../../ui/dialog';
import { Empty } from '../../ui/empty';
import { Notice } from '../../ui/notice';
import { ApprovalCard } from './approval-card';
import type { CardProps } from './card-props';

interface EntryProps {
  approval: Approval;
  open: boolean;
  now: number;
  onToggle: () => void;
  onAnswered: () => void;
  onLeave: () => void;
}

const Entry = ({ approval, open, now, onToggle, onAnswered, onLeave }: EntryProps) => {
  const queries = useQueryClient();
  const [form] = useState(newForm);
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<string | null>(null);
  const { sessionId, sessionName, approvalId, title } = approval;

  const answer: CardProps['onAnswer'] = (given) => {
    setBusy(true);
    setFailure(null);
    void form
      .call(routes.claude.answer, { params: { id: sessionId, approvalId }, body: { scope: 'once', ...given } })
      .then(onAnswered, (thrown: unknown) => {
        // Somebody was quicker: what they decided is what there is to know.
        if (!isCode(thrown, 'already_answered', 'not_found')) return setFailure(sentenceOf(thrown));
        toast.info(sentenceOf(thrown));
        onAnswered();
      })
      .then(() => queries.invalidateQueries({ queryKey: approvalsKey }))
      .finally(() => setBusy(false));
  };

  return (
    <li
      data-testid="inbox-entry"
      className="overflow-hidden rounded-xl border border-attention-mark/60 bg-surface"
      data-tool={approval.tool}
    >
      <div className="flex min-w-0 items-center gap-2 px-1.5 py-1">
        <button
          type="button"
          aria-expanded={open}
          onClick={onToggle}
          className="target flex min-w-0 flex-1 items-center gap-2 rounded-md px-1.5 py-1 text-left hover:bg-hover"
        >
          <ChevronRight size={14} className={cx('shrink-0 text-faint', open && 'rotate-90')} aria-hidden />
          {/* The card says what is asked; folded, its title stands here. The age is never what is cut. */}
          <span className="min-w-0 flex-1">
            {!open && <span className="block truncate">{title}</span>}
            <span className={cx('flex items-baseline gap-1.5', !open && 'text-xs text-muted')}>
              <span className="min-w-0 truncate">{sessionName}</span>
              <span className="shrink-0 text-xs text-muted">· {ago(approval.askedAt, now)}</span>
            </span>
          </span>
        </button>
        <Link
          href={`/sessions/${sessionId}`}
          onClick={onLeave}
          aria-label={`Open the session ${sessionName}`}
          className="target inline-flex shrink-0 items-center justify-center rounded-md px-2 py-1 text-xs text-accent-text hover:bg-hover"
        >
          Open
        </Link>
      </div>
      {open && (
        <div className="flex flex-col border-t border-line">
          <ApprovalCard
            sessionId={sessionId}
            approval={approval}
            busy={busy}
            allowed
            failure={failure}
            onAnswer={answer}
          />
        </div>
      )}
    </li>
  );
};

const Content = ({ onLeave }: { onLeave: () => void }) => {
  const { data, error, refetch } = useApprovals();
  const now = useNow(15_000);
  // undefined: nobody chose yet, so the oldest is open. After an answer none opens by itself: its buttons would lie where
  // the hand is.
  const [chosen, setChosen] = useState<string | null | undefined>(undefined);
  const keyOf = ({ sessionId, approvalId }: Approval): string => `${sessionId} ${approvalId}`;
  const isThere = chosen === null || data?.some((approval) => keyOf(approval) === chosen) === true;
  useEffect(() => {
    if (chosen !== undefined && !isThere) setChosen(null);
  }, [chosen, isThere]);
  const [first] = data ?? [];
  const shown = chosen === undefined && first !== undefined ? keyOf(first) : chosen;

  if (data === undefined && error !== null) {
    return (
      <Notice
        tone="danger"
        role="alert"
        action={
          <Button size="sm" onClick={() => void refetch()}>
            Try again
          </Button>
        }
      >
        {sentenceOf(error)}
      </Notice>
    );
  }
  if (data === undefined) {
    return (
      <div aria-busy="true" className="space-y-2">
        <div className="skeleton h-12" />
        <span className="sr-only">Loading</span>
      </div>
    );
  }
  if (data.length === 0) {
    return (
      <Empty icon={<InboxIcon size={20} aria-hidden />} title="Nothing waits for you">
        When Claude asks for something in any of your sessions, it stands here.
      </Empty>
    );
  }
  return (
    <ul className="space-y-2">
      {data.map((approval) => {
        const key = keyOf(approval);
        return (
          <Entry
            key={key}
            approval={approval}
            open={shown === key}
            now={now}
            onToggle={() => setChosen(shown === key ? null : key)}
            onAnswered={() => setChosen(null)}
            onLeave={onLeave}
          />
        );
      })}
    </ul>
  );
};

export const Inbox = ({ open, onOpenChange }: { open: boolean; onOpenChange: (open: boolean) => void }) => (
  <Dialog open={open} onOpenChange={onOpenChange} title="Waiting for you">
    <Content onLeave={() => onOpenChange(false)} />
  </Dialog>
);

/** A session's state: the same word, shape and colour everywhere. The shape says it too, so colour is never alone. */
import { shownWords, type ShownStatus } from '@remote-claude/contract';

import { cx } from '../lib/cx';

const looks: Record<ShownStatus, { text: string; dot: string }> = {
  starting: {
    text: 'text-muted',
    dot: 'border-[1.5px] border-dashed border-muted animate-spin [animation-duration:2.4s]',
  },
  queued: { text: 'text-muted', dot: 'border-[1.5px] border-dashed border-muted' },
  working: { text: 'text-working', dot: 'bg-working animate-breathe' },
  needs_input: { text: 'text-attention', dot: 'bg-attention-mark rotate-45 rounded-[2px]!' },
  idle: { text: 'text-muted', dot: 'border-[1.5px] border-faint' },
  completed: { text: 'text-ok', dot: 'bg-ok' },
  unreachable: { text: 'text-attention', dot: 'border-[1.5px] border-attention-mark' },
  failed: { text: 'text-danger', dot: 'bg-danger rounded-[2px]!' },
  stopping: { text: 'text-muted', dot: 'bg-faint rounded-[2px]! animate-breathe' },
  stopped: { text: 'text-muted', dot: 'bg-faint rounded-[2px]!' },
  terminated: { text: 'text-faint', dot: 'border-[1.5px] border-faint rounded-[2px]!' },
};

export const StatusDot = ({ shown, className }: { shown: ShownStatus; className?: string }) => (
  <span aria-hidden className={cx('inline-block size-2 shrink-0 rounded-full', looks[shown].dot, className)} />
);

export const StatusWord = ({ shown, note, className }: { shown: ShownStatus; note?: string; className?: string }) => (
  <span
    data-testid="session-status"
    data-shown={shown}
    className={cx(
      'inline-flex items-center gap-1.5 text-xs font-medium whitespace-nowrap',
      looks[shown].text,
      className,
    )}
  >
    <StatusDot shown={shown} />
    {shownWords[shown]}
    {note !== undefined && <span className="font-normal max-md:hidden">({note})</span>}
  </span>
);

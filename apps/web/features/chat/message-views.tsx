'use client';
/** What people and Claude say: messages, text, thinking, and how a turn ended. */
import { lazy, memo, Suspense, type ReactNode } from 'react';
import { ChevronRight, CircleAlert, CircleStop, Ellipsis, GitFork, History, Info, TriangleAlert } from 'lucide-react';
import type { BoundedText, CommandId } from '@remote-claude/contract';

import { cx } from '../../lib/cx';
import type { LiveBlock } from '../../lib/session-log';
import { count, duration, money } from '../../lib/time';
import { Button, IconButton } from '../../ui/button';
import { CopyButton } from '../../ui/copy-button';
import { LongText } from '../../ui/long-text';
import { Menu, MenuItem } from '../../ui/menu';
import { TimeOfDay } from '../../ui/time-of-day';
import { useFold } from './folds';
import type { ItemOf } from './item';
import type { RewindRequest } from './rewind-words';
import type { Row } from './tail';
import { useWhole } from './whole-text';

const Markdown = lazy(async () => ({ default: (await import('../../ui/markdown')).Markdown }));

/** Plain text stands where the Markdown will be, so that nothing jumps much when its code has come. */
export const RichText = memo(({ text, open = false }: { text: string; open?: boolean }) => (
  <Suspense fallback={<div className="text-base break-words whitespace-pre-wrap">{text}</div>}>
    <Markdown text={text} open={open} />
  </Suspense>
));
RichText.displayName = 'RichText';

/** Above this, Markdown is read as it was written: turning it into elements would hold the page up. */
const maxMarkdownChars = 100_000;

/** Markdown of any length, and the way to the whole of it. */
export const BoundedRichText = ({ id, text }: { id: string; text: BoundedText }) => {
  const { whole, note } = useWhole(id, text);
  return (
    <>
      {whole !== null && whole.length > maxMarkdownChars ? (
        <LongText text={whole} label="The whole text" className="rounded-lg border border-line bg-sunken" />
      ) : (
        <RichText text={whole ?? text.text} />
      )}
      {note}
    </>
  );
};

interface BubbleProps {
  author: string;
  at: string;
  text: ReactNode;
  note?: ReactNode;
  dim?: boolean;
  ofTask?: boolean;
  /** What can be done with it, at the end of its heading. */
  menu?: ReactNode;
}

const Bubble = ({ author, at, text, note, dim = false, ofTask = false, menu }: BubbleProps) => (
  <article className="pt-6 pb-2">
    <header className="relative mb-1.5 flex items-baseline gap-2">
      <h2 className="text-sm font-semibold">{author}</h2>
      {ofTask && <span className="rounded-sm bg-active px-1.5 text-2xs text-muted">Task</span>}
      <TimeOfDay at={at} />
      {menu}
    </header>
    <div
      data-testid="user-message"
      className={cx(
        'rounded-lg border border-line bg-surface px-3.5 py-2.5 text-base break-words whitespace-pre-wrap',
        dim && 'text-muted',
      )}
    >
      {text}
    </div>
    {note}
  </article>
);

interface MessageProps {
  item: ItemOf<'message'>;
  /** Absent for who may not, and for what was rewound. */
  onRewind: ((request: RewindRequest) => void) | null;
  onFork: OnFork | null;
}

/** A session of one's own is wanted that begins just before this message. */
export type OnFork = (messageId: CommandId, message: BoundedText) => void;

export const MessageView = memo(({ item, onRewind, onFork }: MessageProps) => {
  const { whole, note } = useWhole(item.key, item.text);
  return (
    <Bubble
      author={item.by.name}
      at={item.at}
      text={
        whole === null ? (
          item.text.text
        ) : (
          <LongText text={whole} label="The whole message" className="p-0 font-sans text-base" />
        )
      }
      ofTask={item.ofTask}
      note={note}
      menu={
        (onRewind !== null || onFork !== null) && (
          // However large a finger needs it, the text beneath keeps its place.
          <span className="absolute top-1/2 right-0 -translate-y-1/2">
            <Menu
              trigger={
                <IconButton size="sm" label="Actions for this message">
                  <Ellipsis size={14} aria-hidden />
                </IconButton>
              }
            >
              {onRewind !== null && (
                <MenuItem
                  icon={<History size={14} aria-hidden />}
                  onSelect={() =>
                    onRewind({ target: { messageId: item.messageId }, kind: 'rewind', message: item.text })
                  }
                >
                  Rewind to here…
                </MenuItem>
              )}
              {onFork !== null && (
                <MenuItem icon={<GitFork size={14} aria-hidden />} onSelect={() => onFork(item.messageId, item.text)}>
                  Fork from here…
                </MenuItem>
              )}
            </Menu>
          </span>
        )
      }
    />
  );
});
MessageView.displayName = 'MessageView';

interface SentProps {
  row: Extract<Row, { kind: 'sent' }>;
  author: string;
  /** There is no line to the server now. */
  offline: boolean;
  onRetry: (id: string) => void;
  onTakeBack: (id: string) => void;
}

export const SentView = ({ row, author, offline, onRetry, onTakeBack }: SentProps) => {
  const failed = row.status === 'failed';
  const waits = offline && row.status === 'sending';
  return (
    <Bubble
      author={author}
      at={row.at}
      text={row.text}
      dim={row.status === 'sending'}
      note={
        failed ? (
          <div role="alert" className="mt-1.5 flex flex-wrap items-center gap-2 text-xs text-danger">
            <span>Not sent. {row.error}</span>
            <Button size="sm" onClick={() => onRetry(row.id)}>
              Send again
            </Button>
            <Button size="sm" variant="ghost" onClick={() => onTakeBack(row.id)}>
              Discard
            </Button>
          </div>
        ) : waits ? (
          <div className="mt-1 flex flex-wrap items-center gap-2 text-xs text-muted">
            <span>Sends when connected</span>
            <Button size="sm" variant="ghost" onClick={() => onTakeBack(row.id)}>
              Take back
            </Button>
          </div>
        ) : (
          <p className="mt-1.5 text-xs text-faint">{row.status === 'sending' ? 'Sending…' : 'Waiting for Claude…'}</p>
        )
      }
    />
  );
};

export const TextView = memo(({ item }: { item: ItemOf<'text'> }) => (
  <div data-testid="claude-text" className="group/text relative py-2">
    <BoundedRichText id={item.key} text={item.text} />
    <div className="absolute top-1 -right-1 opacity-0 transition-opacity duration-100 group-focus-within/text:opacity-100 group-hover/text:opacity-100 max-md:hidden lg:-right-8">
      <CopyButton text={item.text.text} label="Copy this answer" />
    </div>
  </div>
));
TextView.displayName = 'TextView';

interface ThinkingProps {
  id: string;
  text: BoundedText;
  live?: boolean;
}

const Thoughts = ({ id, text }: { id: string; text: BoundedText }) => {
  const { whole, note } = useWhole(id, text);
  return (
    <div className="mt-1 border-l-2 border-line py-1 pl-3.5 text-sm text-muted">
      {whole === null ? (
        <div className="break-words whitespace-pre-wrap">{text.text}</div>
      ) : (
        <LongText text={whole} label="All thoughts" className="p-0 font-sans text-sm" />
      )}
      {note}
    </div>
  );
};

export const ThinkingView = memo(({ id, text, live = false }: ThinkingProps) => {
  const [open, toggle] = useFold(id);
  return (
    <div className="py-1">
      <button
        type="button"
        aria-expanded={open}
        onClick={toggle}
        className="target inline-flex items-center gap-1 rounded-sm py-0.5 text-xs text-faint hover:text-text"
      >
        <ChevronRight size={14} className={cx('transition-transform duration-100', open && 'rotate-90')} aria-hidden />
        {live ? 'Thinking…' : 'Thought'}
      </button>
      {open && <Thoughts id={id} text={text} />}
    </div>
  );
});
ThinkingView.displayName = 'ThinkingView';

export const LiveView = memo(({ block }: { block: LiveBlock }) =>
  block.kind === 'thinking' ? (
    <ThinkingView id={block.blockId} text={{ text: block.text, bytes: block.text.length }} live={!block.dropped} />
  ) : (
    <div data-testid="live-text" className="py-2">
      <RichText text={block.text} open />
    </div>
  ),
);
LiveView.displayName = 'LiveView';

const InterruptedInput = ({ id, text }: { id: string; text: BoundedText }) => {
  const { whole, note } = useWhole(id, text);
  return (
    <>
      <LongText
        text={whole ?? text.text}
        label="Input that was being written"
        className="max-h-40 rounded-lg border border-line bg-sunken text-muted"
      />
      {note}
    </>
  );
};

export const InterruptedView = ({ item }: { item: ItemOf<'interrupted'> }) => (
  <div className="py-2">
    {item.blockKind === 'tool' ? (
      <InterruptedInput id={item.key} text={item.text} />
    ) : (
      <div className={cx(item.blockKind === 'thinking' && 'text-muted')}>
        <BoundedRichText id={item.key} text={item.text} />
      </div>
    )}
    <p className="mt-2 flex items-center gap-1.5 text-xs text-attention">
      <CircleStop size={14} aria-hidden />
      Interrupted here.
    </p>
  </div>
);

const endings = { completed: null, interrupted: 'Interrupted', failed: 'Failed' } as const;

export const TurnEndView = memo(({ item }: { item: ItemOf<'turn-end'> }) => {
  const { usage, outcome, reason } = item;
  const read = usage.inputTokens + usage.cacheReadTokens + usage.cacheWriteTokens;
  // A turn that another session had was paid for there.
  const isCounted = read + usage.outputTokens + item.costUsd > 0;
  return (
    <footer data-testid="turn-end" data-outcome={outcome} className="pt-1 pb-4">
      {outcome === 'failed' && (
        <div className="my-2 flex gap-2.5 rounded-lg bg-danger-soft px-3 py-2.5">
          <CircleAlert size={16} className="mt-0.5 shrink-0 text-danger" aria-hidden />
          <p className="min-w-0 break-words">{reason ?? 'The turn failed.'}</p>
        </div>
      )}
      <p className="flex flex-wrap items-center gap-x-2 text-xs text-faint tabular-nums">
        {endings[outcome] !== null && (
          <span className={outcome === 'failed' ? 'text-danger' : 'text-attention'}>
            {endings[outcome]}
            {outcome === 'interrupted' && reason !== null && reason !== `${endings.interrupted}.` && `: ${reason}`}
          </span>
        )}
        <span>{duration(item.durationMs)}</span>
        {isCounted && (
          <>
            <span aria-hidden>·</span>
            <span title={`${read.toLocaleString()} tokens read, ${usage.outputTokens.toLocaleString()} written`}>
              {count(read)} in, {count(usage.outputTokens)} out
            </span>
            <span aria-hidden>·</span>
            <span>{money(item.costUsd)}</span>
          </>
        )}
      </p>
    </footer>
  );
});
TurnEndView.displayName = 'TurnEndView';

const noteIcons = {
  plain: <Info size={14} className="text-faint" aria-hidden />,
  attention: <TriangleAlert size={14} className="text-attention" aria-hidden />,
  danger: <CircleAlert size={14} className="text-danger" aria-hidden />,
};

export const NoteView = ({ item }: { item: ItemOf<'note'> }) => (
  <div className="flex items-start gap-2 py-2 text-xs text-muted">
    <span className="mt-px shrink-0">{noteIcons[item.tone]}</span>
    <p className="min-w-0 break-words">
      <span className={item.tone === 'danger' ? 'text-danger' : undefined}>{item.text}</span>
      {item.next !== null && <> {item.next}</>}
    </p>
    <TimeOfDay at={item.at} className="ml-auto shrink-0" />
  </div>
);

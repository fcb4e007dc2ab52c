'use client';
/** Claude's list of what is to do, pinned above the composer. */
import { useState } from 'react';
import { Check, ChevronRight } from 'lucide-react';
import type { TodoItem } from '@remote-claude/contract';

import { cx } from '../../lib/cx';
import { useSessionView } from '../../lib/session-context';

const words = { pending: 'To do', in_progress: 'In progress', completed: 'Done' } as const;

const Tick = ({ status }: { status: TodoItem['status'] }) => (
  <span
    className={cx(
      'mt-[3px] grid size-3.5 shrink-0 place-items-center rounded-full border',
      status === 'completed'
        ? 'border-ok bg-ok text-surface'
        : status === 'in_progress'
          ? 'border-working'
          : 'border-line-strong',
    )}
  >
    {status === 'completed' && <Check size={10} strokeWidth={3} aria-hidden />}
    {status === 'in_progress' && <span className="animate-breathe size-1.5 rounded-full bg-working" />}
    <span className="sr-only">{words[status]}: </span>
  </span>
);

export const TodoPanel = () => {
  const items = useSessionView(({ log }) => log.state.todo);
  const [open, setOpen] = useState(false);
  const done = items.filter(({ status }) => status === 'completed').length;
  if (items.length === 0 || done === items.length) return null;
  const current =
    items.find(({ status }) => status === 'in_progress') ?? items.find(({ status }) => status === 'pending');
  return (
    <section aria-label="To-do list" className="mb-2 overflow-hidden rounded-lg border border-line bg-surface">
      <button
        type="button"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
        className="target flex w-full items-center gap-2 px-3 py-1.5 text-left hover:bg-hover"
      >
        <ChevronRight
          size={14}
          className={cx('shrink-0 text-faint transition-transform duration-100', open && 'rotate-90')}
          aria-hidden
        />
        <span className="min-w-0 flex-1 truncate text-sm">
          {open ? 'To do' : (current?.activeForm ?? current?.content)}
        </span>
        <span className="shrink-0 text-xs text-muted tabular-nums">
          {done} of {items.length}
        </span>
      </button>
      {open && (
        <ol className="max-h-52 overflow-y-auto border-t border-line px-3 py-2">
          {items.map((item, index) => (
            <li
              key={index}
              className={cx(
                'flex gap-2 py-0.5',
                item.status === 'completed' && 'text-faint line-through decoration-line-strong',
              )}
            >
              <Tick status={item.status} />
              <span className="min-w-0 break-words">
                {item.status === 'in_progress' ? (item.activeForm ?? item.content) : item.content}
              </span>
            </li>
          ))}
        </ol>
      )}
    </section>
  );
};

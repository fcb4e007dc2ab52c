'use client';
/** That Claude works, at what, for how long, and how to stop it. */
import { CircleStop } from 'lucide-react';

import { clock } from '../../lib/time';
import { useSession, useSessionView } from '../../lib/session-context';
import { useNow } from '../../lib/use-now';
import { verbOf } from '../../lib/tool-view';
import { Keys } from '../../ui/keys';
import type { Item, ToolCall } from './item';

const stalledAfterMs = 20_000;
const noticeShownMs = 8_000;

const runningCall = (items: readonly Item[]): ToolCall | null => {
  const last = items.at(-1);
  return last?.kind === 'tools' ? (last.calls.findLast(({ outcome }) => outcome === null) ?? null) : null;
};

export const WorkingLine = ({ items }: { items: readonly Item[] }) => {
  const { command, can } = useSession();
  const turn = useSessionView(({ log }) => log.state.turn);
  const waits = useSessionView(({ log }) => log.state.approvals.length > 0);
  const block = useSessionView(({ log }) => log.blocks.at(-1) ?? null);
  const lastDeltaAt = useSessionView((view) => view.lastDeltaAt);
  const notice = useSessionView((view) => view.notice);
  const live = useSessionView(({ sync, reachable }) => sync === 'live' && reachable);
  const now = useNow(1_000);
  if (turn === null) return null;

  const call = runningCall(items);
  const words = waits
    ? 'Waiting for your answer'
    : call !== null
      ? verbOf(call.name, call.input ?? {})
      : block?.kind === 'text'
        ? 'Writing'
        : block?.kind === 'thinking'
          ? 'Thinking'
          : block?.kind === 'tool' && block.tool !== null
            ? verbOf(block.tool, {})
            : 'Working';
  const silentMs = now - Math.max(lastDeltaAt, Date.parse(turn.startedAt));
  const stalled = live && !waits && call === null && silentMs >= stalledAfterMs;
  const word = notice !== null && now - notice.at < noticeShownMs ? notice.text : null;
  return (
    <div className="py-3">
      <div className="flex items-center gap-2.5 text-sm">
        <span className="flex gap-1" aria-hidden>
          {[0, 1, 2].map((dot) => (
            <span
              key={dot}
              className={`animate-breathe size-1.5 rounded-full ${waits ? 'bg-attention-mark' : 'bg-working'}`}
              style={{ animationDelay: `${dot * 180}ms` }}
            />
          ))}
        </span>
        <span className={waits ? 'text-attention' : 'text-text'}>{words}</span>
        <span className="text-xs text-faint tabular-nums">{clock(now - Date.parse(turn.startedAt))}</span>
        {can('session.chat.write') && (
          <button
            type="button"
            onClick={() => command('interrupt', { turnId: turn.turnId })}
            className="target ml-auto inline-flex items-center gap-1.5 rounded-md px-2 py-0.5 text-xs text-muted hover:bg-hover hover:text-text"
          >
            <CircleStop size={14} aria-hidden />
            Interrupt
            <span className="max-md:hidden">
              <Keys keys="Escape" />
            </span>
          </button>
        )}
      </div>
      {word !== null && <p className="mt-1.5 text-xs text-attention">{word}</p>}
      {stalled && (
        <p className="mt-1.5 text-xs text-attention">
          Nothing has come for {clock(silentMs)}. The model may be busy; Claude goes on by itself, or you can interrupt.
        </p>
      )}
    </div>
  );
};

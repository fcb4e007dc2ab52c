'use client';
/** Messages that wait while Claude works, or for the line: seen, and taken back where wanted. */
import { Clock3, X } from 'lucide-react';

import { useSession, useSessionView } from '../../lib/session-context';
import { Button, IconButton } from '../../ui/button';
import { queueOf } from './tail';

const notes = { queued: 'Queued', accepted: 'Queued', sending: 'Sending…', failed: 'Not sent' } as const;
const offlineNotes = { ...notes, sending: 'Sends when connected' } as const;

export const QueuePanel = () => {
  const { store, can } = useSession();
  const state = useSessionView(({ log }) => log.state);
  const outbox = useSessionView((view) => view.outbox);
  const loaded = useSessionView(({ log }) => log.loaded);
  const offline = useSessionView(({ sync }) => sync === 'offline');
  const queue = queueOf(state, outbox, loaded);
  if (queue.length === 0) return null;
  return (
    <section aria-label="Queue" className="mb-2 overflow-hidden rounded-lg border border-line bg-surface">
      <ul className="divide-y divide-line">
        {queue.map(({ id, text, by, status, error }) => (
          <li key={id} className="flex items-center gap-2 py-1 pr-1.5 pl-3">
            <Clock3 size={14} className="shrink-0 text-faint" aria-hidden />
            <span className="min-w-0 flex-1 truncate" title={text}>
              {text}
            </span>
            <span className={`shrink-0 text-xs ${status === 'failed' ? 'text-danger' : 'text-faint'}`}>
              {(offline ? offlineNotes : notes)[status]}
              {error !== null && `: ${error}`}
              {by !== null && <span className="sr-only"> by {by}</span>}
            </span>
            {status === 'failed' && (
              <Button size="sm" onClick={() => store.retry(id)}>
                Send again
              </Button>
            )}
            {(!loaded || can('session.chat.write')) && (
              <IconButton size="sm" label="Take this message back" onClick={() => store.takeBack(id)}>
                <X size={14} aria-hidden />
              </IconButton>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
};

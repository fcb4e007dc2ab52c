// Sessions as they change, for the people who may read in them: what a list shows. It knows no transport.

import type { Session } from '@remote-claude/contract';

import type { Bus } from '../../platform/bus.js';
import type { Cancel, Clock } from '../../platform/clock.js';
import { sessionChannel } from '../events/index.js';

export interface SummariesDeps {
  bus: Bus;
  clock: Clock;
  read(sessionId: string): Promise<Session>;
  /** Who may read in it. */
  readers(sessionId: string): Promise<readonly string[]>;
  /** A busy session is told at most this often. */
  everyMs: number;
}

type Listener = (session: Session) => void;

export const createSummaries = ({ bus, clock, read, readers, everyMs }: SummariesDeps) => {
  const listeners = new Map<string, Set<Listener>>();
  const planned = new Map<string, Cancel>();

  const tell = (sessionId: string): void => {
    planned.delete(sessionId);
    Promise.all([read(sessionId), readers(sessionId)]).then(
      ([session, people]) => {
        for (const userId of people) for (const listener of listeners.get(userId) ?? []) listener(session);
      },
      // The page's own reading is the truth; a hint may be missed.
      () => {},
    );
  };

  const stop = bus.subscribe(sessionChannel, (notice) => {
    if (notice.kind !== 'message' || listeners.size === 0) return;
    const { id } = notice.payload as { id: string };
    if (!planned.has(id))
      planned.set(
        id,
        clock.after(everyMs, () => tell(id)),
      );
  });

  return {
    subscribe(userId: string, listener: Listener): () => void {
      const mine = listeners.get(userId) ?? new Set();
      listeners.set(userId, mine.add(listener));
      return () => {
        mine.delete(listener);
        if (mine.size === 0 && listeners.get(userId) === mine) listeners.delete(userId);
      };
    },
    close(): void {
      stop();
      for (const cancel of planned.values()) cancel();
    },
  };
};

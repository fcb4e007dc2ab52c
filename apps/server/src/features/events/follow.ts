// Following a session's log: stored events in order from a number on, then each as it is committed.
// It knows the log only through `read`; a message of the bus is a hint that there is more.

import type { NumberedEvent } from '@remote-claude/contract';

import type { Bus } from '../../platform/bus.js';
import type { Cancel, Clock } from '../../platform/clock.js';
import type { Log } from '../../platform/log.js';
import type { Page, PageCeilings } from './store.js';

export interface Follower {
  /** Ends it; nothing is delivered afterwards. */
  close(): void;
}

export interface FollowersDeps {
  bus: Bus;
  clock: Clock;
  log: Log;
  read(sessionId: string, after: number, ceilings: PageCeilings): Promise<Page>;
}

/** Bus channel that says that a session's log has grown: `{ id, head }`; without a head something else of it has changed. */
export const sessionChannel = 'session';

const ceilings: PageCeilings = { maxEvents: 500, maxBytes: 256 * 1024 };
const retryMs = 500;

export const createFollowers = ({ bus, clock, log, read }: FollowersDeps) => {
  const bySession = new Map<string, Set<{ wake(head: number): void }>>();

  const wake = (sessionId: string, head: number): void => {
    for (const follower of bySession.get(sessionId) ?? []) follower.wake(head);
  };
  const leave = bus.subscribe(sessionChannel, (notice) => {
    if (notice.kind === 'resync') {
      for (const sessionId of bySession.keys()) wake(sessionId, Infinity);
      return;
    }
    const { id, head } = notice.payload as { id: string; head?: number };
    if (head !== undefined) wake(id, head);
  });

  return {
    /** `onEvents` gets every event after `after` once and in order; the next page waits for its promise. */
    follow(sessionId: string, after: number, onEvents: (events: NumberedEvent[]) => void | Promise<void>): Follower {
      let cursor = after;
      // Something may be there that was not read: set before a read begins, it is never lost to one under way.
      let stale = true;
      let running = false;
      let closed = false;
      let cancelRetry: Cancel = () => {};

      const drain = async (): Promise<void> => {
        while (stale && !closed) {
          stale = false;
          const { events, isCut } = await read(sessionId, cursor, ceilings);
          const last = events.at(-1);
          if (closed || last === undefined) continue;
          cursor = last.seq;
          stale ||= isCut;
          await onEvents(events);
        }
      };
      const run = (): void => {
        if (running || closed) return;
        running = true;
        drain().then(
          () => {
            running = false;
            if (stale) run();
          },
          (err: unknown) => {
            running = false;
            stale = true;
            if (closed) return;
            log.warn({ err, sessionId }, 'events could not be read and are tried again');
            cancelRetry();
            cancelRetry = clock.after(retryMs, run);
          },
        );
      };

      const follower = {
        wake(head: number) {
          if (head <= cursor) return;
          stale = true;
          run();
        },
      };
      const followers = bySession.get(sessionId) ?? new Set();
      bySession.set(sessionId, followers.add(follower));
      run();
      return {
        close() {
          closed = true;
          cancelRetry();
          followers.delete(follower);
          if (followers.size === 0 && bySession.get(sessionId) === followers) bySession.delete(sessionId);
        },
      };
    },
    close: leave,
  };
};

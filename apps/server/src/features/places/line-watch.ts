// Keeps the line for places moving: when a place is free, whoever is next is looked at at once, on whichever server; and those
// behind are told where they stand, once the line has come to rest for a moment. It takes no step itself.

import type { Bus } from '../../platform/bus.js';
import type { Cancel, Clock } from '../../platform/clock.js';
import type { Log } from '../../platform/log.js';
import type { Claimant } from './leases-store.js';
import type { LineStore } from './line-store.js';
import { lineWords, wayIn } from './line.js';

/** Bus channel that says that somebody came into the line, or left it, or that a place is free: `{ engine }`. */
export const lineChannel = 'line';

/** A place that died and comes back moves everybody to and fro; that is not told. */
const wordsAfterMs = 1_000;

export interface LineWatchDeps {
  store: Pick<LineStore, 'all'>;
  bus: Bus;
  clock: Clock;
  log: Log;
  capacity: number;
  claimant(): Promise<Claimant>;
  /** Looks at this session soon. */
  look(sessionId: string): void;
}

export const createLineWatch = ({ store, bus, clock, log, capacity, claimant, look }: LineWatchDeps) => {
  let stale = false;
  let looking: Promise<void> | null = null;
  let cancelWords: Cancel | null = null;
  let closed = false;

  /** One query, whoever waits; a session is looked at only where that changes something. */
  const pass = async (isForWords: boolean): Promise<void> => {
    const { room, waiting } = await store.all(await claimant());
    for (const { sessionId, ahead, isFailed, reason } of closed ? [] : waiting) {
      const line = { ...room, ahead, capacity };
      const isTold = isFailed || reason === lineWords(line).reason;
      if (wayIn(line) !== 'none' || (isForWords && !isTold)) look(sessionId);
    }
  };

  const passes = async (): Promise<void> => {
    while (stale && !closed) {
      stale = false;
      // What is missed here is found by the rounds.
      await pass(false).catch((err: unknown) => log.warn({ err }, 'those who wait for a place could not be looked at'));
    }
  };

  const tellAll = (): void => {
    cancelWords = null;
    pass(true).catch((err: unknown) =>
      log.warn({ err }, 'those who wait for a place could not be told where they stand'),
    );
  };

  const leave = bus.subscribe(lineChannel, () => {
    if (closed) return;
    stale = true;
    cancelWords ??= clock.after(wordsAfterMs, tellAll);
    looking ??= passes().finally(() => {
      looking = null;
    });
  });

  return {
    async close(): Promise<void> {
      closed = true;
      leave();
      cancelWords?.();
      await looking;
    },
  };
};

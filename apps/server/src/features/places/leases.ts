// The lease of this process: as long as it is kept, the sessions that carry its name are ours to look after, and no one
// else's. It knows no session. What is stored under a lease is guarded by its fence; this stops us from acting.

import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';

import type { Bus } from '../../platform/bus.js';
import type { Cancel, Clock } from '../../platform/clock.js';
import type { Log } from '../../platform/log.js';
import type { Remembered } from '../../platform/remembered.js';
import type { LeasesStore } from './leases-store.js';

export interface LeaseTiming {
  leaseMs: number;
  renewMs: number;
}

export interface LeasesDeps {
  store: LeasesStore;
  /** Under which name the process before this one, which is dead for certain, looked after sessions. */
  predecessor: Remembered;
  /** What has the disks of our sessions. */
  engine: string;
  bus: Bus;
  clock: Clock;
  log: Log;
  timing: LeaseTiming;
}

export interface Leases {
  engine: string;
  /** Our name, as long as the lease of it is kept; a new one where it was not. Rejects while it cannot be taken. */
  owner(): Promise<string>;
  /** Whether sessions can be ours at this moment. */
  isHeld(): boolean;
  /** Whether we may act at this moment on what was decided under this name. */
  isHeldAs(owner: string | null): boolean;
  /** `lost`: nothing is ours any more. `freed`: what was another's may be taken. One listener. */
  onChange(listener: (what: 'lost' | 'freed') => void): void;
  /** Hands on what we have. Only once nothing acts any more. */
  close(): Promise<void>;
}

/** Bus channel that says that sessions have been handed on: `{ from }`. */
const freedChannel = 'leases';

export const createLeases = (deps: LeasesDeps): Leases => {
  const { store, predecessor, engine, bus, clock, log, timing } = deps;
  // We stop before others begin, by our own measure of time, which begins when we ask.
  const keptMs = timing.leaseMs - (timing.leaseMs - timing.renewMs) / 5;
  let held: { id: string; untilMs: number } | null = null;
  let taking: Promise<string> | null = null;
  let closed = false;
  let cancelRenew: Cancel = () => {};
  let cancelEnd: Cancel = () => {};
  let tell: (what: 'lost' | 'freed') => void = () => {};
  /** Names that nobody acts under any more. */
  const dead = new Set<string>();
  let asked: Promise<unknown> = Promise.resolve();

  const isKept = (owner: string): boolean => held?.id === owner && clock.monotonicMs() < held.untilMs;

  const lose = (id: string, why: string): void => {
    if (held?.id !== id) return;
    held = null;
    dead.add(id);
    cancelRenew();
    cancelEnd();
    if (closed) return;
    log.warn({ why }, 'the lease on the sessions was lost: they are left alone until there is another one');
    tell('lost');
  };

  const keep = (id: string, askedAtMs: number): void => {
    held = { id, untilMs: askedAtMs + keptMs };
    cancelEnd();
    // Who closes waits for what was asked before, and hands this on.
    if (closed) return;
    cancelEnd = clock.after(held.untilMs - clock.monotonicMs(), () => lose(id, 'it could not be renewed in time'));
    plan(id, askedAtMs + timing.renewMs - clock.monotonicMs());
  };

  const plan = (id: string, inMs: number): void => {
    if (closed) return;
    cancelRenew = clock.after(Math.max(0, inMs), () => {
      asked = renew(id);
    });
  };

  const renew = async (id: string): Promise<void> => {
    const askedAtMs = clock.monotonicMs();
    try {
      const { isKept: stillOurs, gone } = await store.renew(id, timing.leaseMs);
      // An answer that comes too late is none: we have stopped, and others may have begun.
      if (!stillOurs || !isKept(id)) return lose(id, 'the database had given it up');
      keep(id, askedAtMs);
      if (gone === 0) return;
      tell('freed');
      await bus.publish(freedChannel, { from: id });
    } catch (err) {
      if (!isKept(id)) return;
      log.debug({ err }, 'the lease on the sessions could not be renewed and is tried again');
      plan(id, timing.renewMs / 5);
    }
  };

  const take = async (): Promise<string> => {
    const before = await predecessor.read();
    if (before !== null) dead.add(before);
    const id = randomUUID();
    const askedAtMs = clock.monotonicMs();
    await store.enter({ id, engine, host: hostname() }, timing.leaseMs, [...dead]);
    if (closed) {
      await store.leave(id);
      throw new Error('The leases are closed.');
    }
    // A crash before this leaves a name that has nothing.
    await predecessor.write(id);
    dead.clear();
    keep(id, askedAtMs);
    if (!isKept(id)) throw new Error('The database took longer to grant the lease than it lasts.');
    return id;
  };

  const leaveBus = bus.subscribe(freedChannel, (notice) => {
    const from = notice.kind === 'message' ? (notice.payload as { from: string }).from : null;
    if (from === null || from !== held?.id) tell('freed');
  });

  return {
    engine,
    isHeld: () => held !== null && isKept(held.id),
    isHeldAs: (owner) => owner !== null && isKept(owner),
    async owner() {
      if (held !== null && isKept(held.id)) return held.id;
      if (closed) throw new Error('The leases are closed.');
      taking ??= take().finally(() => {
        taking = null;
      });
      return taking;
    },
    onChange(listener) {
      tell = listener;
    },
    async close() {
      closed = true;
      tell = () => {};
      leaveBus();
      cancelRenew();
      cancelEnd();
      await Promise.allSettled([taking, asked]);
      const id = held?.id;
      held = null;
      try {
        if (id !== undefined) {
          await store.leave(id);
          await bus.publish(freedChannel, { from: id });
        }
      } catch (err) {
        log.debug({ err }, 'the lease on the sessions could not be handed on; it ends by itself');
      }
      await store.close();
    },
  };
};

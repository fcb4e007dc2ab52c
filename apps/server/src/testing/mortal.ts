// A session-manager that is killed at a point of its life, for tests that kill it anywhere: before and after each call of the
// driver, inside and after each transaction; and chance that a seed repeats. It knows no test.

import type { Driver } from '@remote-claude/compute';

import type { Bus } from '../platform/bus.js';
import type { Clock } from '../platform/clock.js';
import type { Database } from '../platform/database/index.js';
import type { createLeasesStore, createPlacesStore } from '../features/places/index.js';

type LeasesStore = ReturnType<typeof createLeasesStore>;
type PlacesStore = ReturnType<typeof createPlacesStore>;

/** Numbers from 0 to 1, the same for the same seed. */
export const mulberry32 = (seed: number) => () => {
  seed = (seed + 0x6d2b79f5) | 0;
  let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
};

const never = new Promise<never>(() => {});
class Killed extends Error {}

/** A server that is dead after so many points: from then on nothing of it goes on, and nothing that it calls answers. */
export const createMortal = (points: number) => {
  let left = points;
  let dead = false;
  let die = (): void => {};
  const died = new Promise<void>((resolve) => {
    die = resolve;
  });
  const leaving: (() => void)[] = [];
  const isDead = (): boolean => {
    if (!dead) left -= 1;
    if (!dead && left <= 0) {
      dead = true;
      for (const leave of leaving) leave();
      die();
    }
    return dead;
  };
  const point = async (): Promise<void> => {
    if (isDead()) await never;
  };
  const guard =
    <A extends unknown[], R>(call: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      await point();
      const answer = await call(...args);
      await point();
      return answer;
    };

  return {
    died,
    isDead: () => dead,
    kill: (): Promise<never> => {
      left = 0;
      isDead();
      return never;
    },
    driver: (driver: Driver): Driver => ({
      ...driver,
      start: guard(driver.start),
      inspect: guard(driver.inspect),
      stop: guard(driver.stop),
      destroy: guard(driver.destroy),
      list: guard(driver.list),
    }),
    gateway: () => ({ open: guard(async () => {}), close: guard(async () => {}) }),
    store: (store: PlacesStore): PlacesStore => ({
      ...store,
      claim: guard(store.claim),
      recordStarted: guard(store.recordStarted),
    }),
    leases: (store: LeasesStore): LeasesStore => {
      // A connection ends with its process.
      void died.then(store.close);
      return { ...store, enter: guard(store.enter), renew: guard(store.renew), leave: guard(store.leave) };
    },
    database: (database: Database): Database => ({
      ...database,
      transaction: guard(async (work) => {
        try {
          return await database.transaction(async (trx) => {
            const answer = await work(trx);
            // A connection that is gone before its commit: the database takes it all back.
            if (isDead()) throw new Killed();
            return answer;
          });
        } catch (error) {
          if (error instanceof Killed) await never;
          throw error;
        }
      }),
    }),
    bus: (bus: Bus): Bus => ({
      ...bus,
      subscribe(channel, listener) {
        const leave = bus.subscribe(channel, (notice) => {
          if (!dead) listener(notice);
        });
        leaving.push(leave);
        return leave;
      },
    }),
    clock: (clock: Clock): Clock => ({
      ...clock,
      after: (delayMs, action) =>
        clock.after(delayMs, () => {
          if (!dead) action();
        }),
    }),
  };
};

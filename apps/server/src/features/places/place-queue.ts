// The line for places as the steps see it: who is next, who is refused, and whom a change wakes. The rows are the line
// (`line-store`), and what they mean is said in `line`.

import type { Bus } from '../../platform/bus.js';
import type { Clock } from '../../platform/clock.js';
import type { Trx } from '../../platform/database/index.js';
import type { PlaceTiming } from './decide.js';
import type { Leases } from './leases.js';
import { lineChannel } from './line-watch.js';
import { wayIn, type Line, type WayIn } from './line.js';
import type { PlaceRecord } from './place-record.js';
import type { PlaceRow, PlacesStore } from './store.js';

export interface QueueDeps {
  record: PlaceRecord;
  store: PlacesStore;
  bus: Pick<Bus, 'publishIn'>;
  leases: Pick<Leases, 'engine'>;
  clock: Clock;
  /** Places that there may be at once on our engine. */
  capacity: number;
  timing: PlaceTiming;
}

export const createQueue = (deps: QueueDeps) => {
  const { record, store, bus, leases, clock, timing } = deps;
  const { alter, change } = record;

  const lineOf = async (sessionId: string, trx?: Trx): Promise<Line> => ({
    ...(await store.line.find(leases.engine, sessionId, trx)),
    capacity: deps.capacity,
  });

  /** Wakes whoever waits for a place, when the transaction commits. */
  const moveLine = (trx: Trx): Promise<void> => bus.publishIn(trx, lineChannel, { engine: leases.engine });

  /** Its place is gone. */
  const clear = async (
    trx: Trx,
    sessionId: string,
    next: { attempts: number; retryAt: Date | null },
  ): Promise<void> => {
    await store.clear(trx, sessionId, next);
    await moveLine(trx);
  };

  /** How long an engine that had no room is left alone, but where a place ends meanwhile. */
  const probeMs = Math.min(timing.longestRetryMs, 10 * timing.retryMs);

  /** A new place is its, if there is room. Under the engine's lock, so that of several servers one gives away the last. */
  const begin = async (seen: PlaceRow, placeId: string): Promise<WayIn> => {
    let way: WayIn = 'none';
    await alter(seen, async (trx, state) => {
      way = 'none';
      if (state.wanted !== 'running') return null;
      await store.line.lock(trx, leases.engine);
      way = wayIn(await lineOf(seen.sessionId, trx));
      if (way === 'none') return null;
      if (way === 'probe') await store.line.probe(trx, leases.engine, probeMs);
      await store.begin(trx, seen.sessionId, placeId, clock.now());
      await moveLine(trx);
      const { status } = state.place;
      const isQuiet = status === 'failed' || (status === 'queued' && way === 'probe');
      return isQuiet ? null : { status: 'starting', step: 'Making a place' };
    });
    return way;
  };

  /** The engine has no room, which is no failure: it goes back to its turn in the line. */
  const refuseForRoom = (row: PlaceRow, said: string): Promise<void> =>
    change(
      row,
      row.state.place.status === 'failed' ? { status: 'starting', step: 'Waiting for room' } : null,
      async (trx) => {
        await store.line.refuse(trx, leases.engine, { sessionId: row.sessionId, said, probeAfterMs: probeMs });
        await clear(trx, row.sessionId, { attempts: Math.max(0, row.attempts - 1), retryAt: null });
      },
    );

  return { lineOf, moveLine, clear, begin, refuseForRoom };
};
export type Queue = ReturnType<typeof createQueue>;

// Writes what becomes of a place into its session: under the lease that it was decided under, only while the session has
// that place still, and once for the same words. It knows no driver and no step.

import type { EventOf, SessionState } from '@remote-claude/contract';

import type { Database, Trx } from '../../platform/database/index.js';
import type { Events } from '../events/index.js';
import type { PlaceRow, PlacesStore } from './store.js';
import type { PlaceWords } from './stumble.js';

export interface RecordDeps {
  database: Database;
  store: PlacesStore;
  events: Events;
}

export const createPlaceRecord = ({ database, store, events }: RecordDeps) => {
  /** Writes what the work says, unless the session has another place by now; words that it has already make no event. */
  const alter = (row: PlaceRow, work: (trx: Trx, state: SessionState) => Promise<PlaceWords | null>): Promise<void> =>
    database.transaction(async (trx) => {
      const { state } = await events.lock(trx, row.sessionId, row.fence);
      const now = await store.find(row.sessionId, trx);
      if (now?.placeId !== row.placeId) return;
      const words = await work(trx, state);
      if (words === null) return;
      const event = placeChanged(state, words);
      if (!isAsWritten(state, event)) await events.record(trx, row.sessionId, [event]);
    });

  const change = (
    row: PlaceRow,
    words: PlaceWords | null,
    also: (trx: Trx, state: SessionState) => Promise<void> = async () => {},
  ): Promise<void> =>
    alter(row, async (trx, state) => {
      await also(trx, state);
      return words;
    });

  return { alter, change };
};
export type PlaceRecord = ReturnType<typeof createPlaceRecord>;

export const isAsWritten = ({ wanted, place }: SessionState, event: EventOf<'place.changed'>): boolean =>
  event.wanted === wanted &&
  event.status === place.status &&
  event.step === place.step &&
  event.reason === place.reason &&
  event.next === place.next &&
  event.diskGone === place.diskGone;

export const placeChanged = (state: SessionState, words: PlaceWords): EventOf<'place.changed'> => ({
  type: 'place.changed',
  wanted: words.wanted ?? state.wanted,
  status: words.status,
  step: words.step ?? null,
  reason: words.reason?.slice(0, 2_000) ?? null,
  next: words.next?.slice(0, 500) ?? null,
  ...(words.diskGone && { diskGone: true }),
});

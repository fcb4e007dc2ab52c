// SQL of the line for places on an engine. All times are the database's own, so that no other clock changes a turn.

import { sql } from 'kysely';

import type { Executor, Trx } from '../../platform/database/index.js';
import { mayClaim, type Claimant } from './leases-store.js';
import type { Line } from './line.js';

/** What an engine is like for all who wait. */
export type Room = Omit<Line, 'capacity' | 'ahead'>;

export interface Waiting {
  sessionId: string;
  ahead: number;
  /** It failed, and is tried now and then in silence. */
  isFailed: boolean;
  /** What is told of it now. */
  reason: string | null;
}

interface RoomRow {
  places: number;
  refused_places: number | null;
  refused_said: string | null;
  probe_in_ms: number | null;
}

/**
 * Wants a place and has none. A short pause after a failure loses nobody their turn; one that has failed for good, or waits
 * long for its next try, holds up nobody meanwhile.
 */
const waits = sql<boolean>`wanted = 'running' and place_id is null
  and (status <> 'error' or retry_at <= clock_timestamp())`;

const placesOf = (engine: string) =>
  sql<number>`(select count(*) from sessions where engine = ${engine} and place_id is not null)`;

const roomOf = (engine: string) => sql`${placesOf(engine)} as places, engines.refused_places, engines.refused_said,
  extract(epoch from engines.probe_at - clock_timestamp())::float8 * 1000 as probe_in_ms`;

const inMs = (ms: number) => sql<Date>`clock_timestamp() + ${ms} * interval '1 millisecond'`;

const toRoom = (row: RoomRow): Room => ({
  places: row.places,
  refusal:
    row.refused_places === null
      ? null
      : { places: row.refused_places, said: row.refused_said ?? '', probeInMs: row.probe_in_ms ?? 0 },
});

export const createLineStore = (db: Executor) => ({
  /** Until the transaction ends nobody else gives away a place on this engine. After the session's own row, never before. */
  async lock(trx: Trx, engine: string): Promise<void> {
    await trx
      .insertInto('engines')
      .values({ id: engine })
      .onConflict((conflict) => conflict.column('id').doUpdateSet({ id: engine }))
      .execute();
  },

  /** Where this session stands. */
  async find(engine: string, sessionId: string, executor: Executor = db): Promise<Omit<Line, 'capacity'>> {
    const { rows } = await sql<RoomRow & { ahead: number }>`
      select ${roomOf(engine)}, (
        select count(*) from sessions
        where engine = ${engine} and ${waits} and (wanted_at, id) < (mine.wanted_at, mine.id)
      ) as ahead
      from sessions as mine left join engines on engines.id = ${engine}
      where mine.id = ${sessionId}`.execute(executor);
    const [row] = rows;
    return row === undefined ? { places: 0, ahead: 0, refusal: null } : { ...toRoom(row), ahead: row.ahead };
  },

  /** Those who wait on the claimant's engine and are theirs to look after, in order. */
  async all(claimant: Claimant): Promise<{ room: Room; waiting: Waiting[] }> {
    const { engine } = claimant;
    const { rows } = await sql<
      RoomRow & { id: string; ahead: number; is_ours: boolean; is_failed: boolean; reason: string | null }
    >`
      with line as (
        select id, row_number() over (order by wanted_at, id) - 1 as ahead, status = 'error' as is_failed,
          place_reason as reason, ${mayClaim(claimant)} as is_ours
        from sessions where engine = ${engine} and ${waits}
      )
      select line.*, ${roomOf(engine)} from line left join engines on engines.id = ${engine}
      where is_ours order by ahead`.execute(db);
    const [first] = rows;
    return {
      room: first === undefined ? { places: 0, refusal: null } : toRoom(first),
      waiting: rows.map(({ id, ahead, is_failed: isFailed, reason }) => ({ sessionId: id, ahead, isFailed, reason })),
    };
  },

  /** The engine has no room for this session beside the places that there are, and says why; asked again only after a time. */
  async refuse(trx: Trx, engine: string, refused: { sessionId: string; said: string; probeAfterMs: number }) {
    const { sessionId, said, probeAfterMs } = refused;
    const values = {
      refused_places: sql<number>`(select count(*) from sessions
        where engine = ${engine} and place_id is not null and id <> ${sessionId})`,
      refused_said: said,
      probe_at: inMs(probeAfterMs),
    };
    await trx.updateTable('engines').set(values).where('id', '=', engine).execute();
  },

  /** One is tried; the next only after that time. */
  async probe(trx: Trx, engine: string, againAfterMs: number): Promise<void> {
    await trx
      .updateTable('engines')
      .set({ probe_at: inMs(againAfterMs) })
      .where('id', '=', engine)
      .execute();
  },

  /**
   * It had room for the one that was tried. The others follow one by one, so that those who were first are, and once nobody
   * waits it has never refused.
   */
  async accept(trx: Trx, engine: string): Promise<void> {
    const isWaitedFor = sql`exists (select 1 from sessions where engine = ${engine} and ${waits})`;
    const values = {
      refused_places: sql<number | null>`case when ${isWaitedFor} then ${placesOf(engine)} end`,
      probe_at: sql<Date>`clock_timestamp()`,
    };
    await trx.updateTable('engines').set(values).where('id', '=', engine).execute();
  },
});
export type LineStore = ReturnType<typeof createLineStore>;

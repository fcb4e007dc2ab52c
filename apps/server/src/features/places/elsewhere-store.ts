// SQL of sessions whose disk is on an engine that no session-manager has now, and of moving them to another.

import { sql } from 'kysely';

import type { Database, Executor, Trx } from '../../platform/database/index.js';

/** Of an engine that has disks of sessions, or a manager. */
export interface KnownEngine {
  engine: string;
  /** Those whose disk is there. */
  sessions: number;
  /** Session-managers that have it now. */
  managers: number;
}

/** It has a manager, on the database's clock. */
const isHere = (engine: string) =>
  sql.raw<boolean>(
    `exists (select 1 from managers where managers.engine = ${engine} and managers.expires_at > clock_timestamp())`,
  );

export const createElsewhereStore = ({ db }: Database) => ({
  /** Each, the one with most sessions first. */
  async engines(): Promise<KnownEngine[]> {
    const { rows } = await sql<KnownEngine>`
      with held as (select engine, count(*)::int as managers from managers
                    where expires_at > clock_timestamp() group by engine),
           used as (select engine, count(*)::int as sessions from sessions
                    where engine is not null and disk_removed_at is null group by engine)
      select engine, coalesce(sessions, 0) as sessions, coalesce(managers, 0) as managers
      from used full join held using (engine) order by sessions desc, engine`.execute(db);
    return rows;
  },

  /**
   * Sessions that have, or should have, a place, or whose end is not written down, on engines without a manager, of which
   * another reason is told.
   */
  async unsettled(unless: { reason: string }): Promise<{ sessionId: string; engine: string }[]> {
    const { rows } = await sql<{ sessionId: string; engine: string }>`
      select id as "sessionId", engine from sessions
      where engine is not null and (wanted = 'running' or place_id is not null or status <> 'stopped')
        and place_reason is distinct from ${unless.reason} and not ${isHere('sessions.engine')}
      order by id`.execute(db);
    return rows;
  },

  /** Asked under the session's lock; null where its engine has a manager by now, or is another one. */
  async find(trx: Trx, sessionId: string, engine: string): Promise<{ hasPlace: boolean } | null> {
    const { rows } = await sql<{ hasPlace: boolean }>`select place_id is not null as "hasPlace" from sessions
      where id = ${sessionId} and engine = ${engine} and not ${isHere('sessions.engine')}`.execute(trx);
    return rows[0] ?? null;
  },

  /** Whose disk is there. */
  async sessionsOf(engine: string | null): Promise<string[]> {
    const { rows } = await sql<{ id: string }>`select id from sessions
      where disk_removed_at is null and (engine = ${engine} or ${engine}::uuid is null) order by id`.execute(db);
    return rows.map(({ id }) => id);
  },

  /** Its disk is on this engine from now on. It has no place, nobody looks after it, and failures so far do not count. */
  async move(trx: Executor, sessionId: string, engine: string): Promise<void> {
    await trx
      .updateTable('sessions')
      .set((eb) => ({
        engine,
        place_id: null,
        place_handle: null,
        place_doors: null,
        container_id: null,
        place_started_at: null,
        reachable_at: null,
        attempts: 0,
        retry_at: null,
        lease_owner: null,
        lease_fence: eb('lease_fence', '+', 1),
      }))
      .where('id', '=', sessionId)
      .execute();
  },

  /** Whoever reads its log begins anew. */
  async renewEpoch(trx: Executor, sessionId: string): Promise<void> {
    await trx
      .updateTable('sessions')
      .set({ epoch: sql`gen_random_uuid()` })
      .where('id', '=', sessionId)
      .execute();
  },
});
export type ElsewhereStore = ReturnType<typeof createElsewhereStore>;

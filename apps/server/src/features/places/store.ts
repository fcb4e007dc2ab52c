// SQL of places: which one a session has, where it is, how often it was tried.

import type { FoundPlace, PlaceAddresses, PlaceHandle } from '@remote-claude/compute';
import { sql } from 'kysely';
import { initialSessionState, shownStatusOf, type SessionState, type ShownStatus } from '@remote-claude/contract';

import { json, type Database, type Executor, type SessionRow, type Trx } from '../../platform/database/index.js';
import type { Fence } from '../events/index.js';
import { mayClaim, type Claimant } from './leases-store.js';
import { createLineStore } from './line-store.js';

export interface PlaceRow {
  sessionId: string;
  wanted: 'running' | 'stopped' | 'terminated';
  state: SessionState;
  /** What was chosen when it was made. */
  config: unknown;
  placeId: string | null;
  handle: PlaceHandle | null;
  doors: PlaceAddresses | null;
  createdAt: Date;
  startedAt: Date | null;
  /** When this place's agent answered first; null before. */
  reachedAt: Date | null;
  attempts: number;
  retryAt: Date | null;
  terminatedAt: Date | null;
  /** It had a place, and so a disk, before. */
  hasDisk: boolean;
  diskRemovedAt: Date | null;
  /** The lease as it was read: what is decided on this row is written under it. */
  fence: Fence;
}

const columns = [
  'id',
  'wanted',
  'state',
  'config',
  'place_id',
  'place_handle',
  'place_doors',
  'created_at',
  'place_started_at',
  'reachable_at',
  'attempts',
  'retry_at',
  'terminated_at',
  'disk_made_at',
  'disk_removed_at',
  'lease_owner',
  'lease_fence',
] as const;

const toRow = (row: Pick<SessionRow, (typeof columns)[number]>): PlaceRow => ({
  sessionId: row.id,
  wanted: row.wanted,
  state: { ...initialSessionState, ...(row.state as Partial<SessionState>) },
  config: row.config,
  placeId: row.place_id,
  handle: row.place_handle as PlaceHandle | null,
  doors: row.place_doors as PlaceAddresses | null,
  createdAt: row.created_at,
  startedAt: row.place_started_at,
  reachedAt: row.reachable_at,
  attempts: row.attempts,
  retryAt: row.retry_at,
  terminatedAt: row.terminated_at,
  hasDisk: row.disk_made_at !== null,
  diskRemovedAt: row.disk_removed_at,
  fence: { owner: row.lease_owner, number: row.lease_fence },
});

/** Sessions that are shown alike. */
interface CountedRow {
  wanted: PlaceRow['wanted'];
  place: SessionState['place']['status'];
  asks: boolean;
  works: boolean;
  of_task: boolean;
  sets_up: boolean;
  count: number;
}

/** As much of a state as the word for it is made of. */
const stateAsCounted = ({
  wanted,
  place,
  asks,
  works,
  of_task,
  sets_up,
}: CountedRow): Parameters<typeof shownStatusOf>[0] => ({
  wanted,
  place: { ...initialSessionState.place, status: place },
  approvals: asks ? [{} as SessionState['approvals'][number]] : [],
  turn: works ? ({} as SessionState['turn']) : null,
  lastTurn: of_task ? ({ ofTask: true } as SessionState['lastTurn']) : null,
  setup: sets_up ? ({ status: 'running' } as SessionState['setup']) : null,
});

export const createPlacesStore = ({ db }: Database) => ({
  /** Of those that wait for a place. */
  line: createLineStore(db),

  async find(sessionId: string, executor: Executor = db): Promise<PlaceRow | null> {
    const row = await executor.selectFrom('sessions').select(columns).where('id', '=', sessionId).executeTakeFirst();
    return row === undefined ? null : toRow(row);
  },

  /** The row, which is the claimant's from now on; null where it is another's, or not there. */
  async claim(sessionId: string, claimant: Claimant): Promise<PlaceRow | null> {
    const { owner, engine } = claimant;
    const row = await db
      .updateTable('sessions')
      .set({
        lease_owner: owner,
        engine: sql`coalesce(engine, ${engine})`,
        lease_fence: sql`lease_fence + case when lease_owner = ${owner} then 0 else 1 end`,
      })
      .where('id', '=', sessionId)
      .where(mayClaim(claimant))
      .returning(columns)
      .executeTakeFirst();
    return row === undefined ? null : toRow(row);
  },

  /** Sessions that have, or should have, a place, or whose end is not written down; of those that can be claimed. */
  async unsettled(claimant: Claimant): Promise<string[]> {
    const rows = await db
      .selectFrom('sessions')
      .select('id')
      .where((eb) =>
        eb.or([eb('wanted', '=', 'running'), eb('place_id', 'is not', null), eb('status', '!=', 'stopped')]),
      )
      .where(mayClaim(claimant))
      .execute();
    return rows.map((row) => row.id);
  },

  /** Written before the driver is called: what runs under this id is then known to be ours. */
  async begin(trx: Trx, sessionId: string, placeId: string, at: Date): Promise<void> {
    await trx
      .updateTable('sessions')
      .set((eb) => ({
        place_id: placeId,
        place_handle: null,
        place_doors: null,
        container_id: null,
        place_started_at: at,
        reachable_at: null,
        retry_at: null,
        attempts: eb('attempts', '+', 1),
      }))
      .where('id', '=', sessionId)
      .execute();
  },

  /** Its disk was made with it. False where the session has another place by now, or is another's to look after. */
  async recordStarted(fence: Fence, found: Omit<FoundPlace, 'mounts'>, doors: PlaceAddresses): Promise<boolean> {
    const { numUpdatedRows } = await db
      .updateTable('sessions')
      .set({
        place_handle: json(found.handle),
        place_doors: json(doors),
        container_id: found.placeId,
        disk_made_at: sql`coalesce(disk_made_at, clock_timestamp())`,
      })
      .where('id', '=', found.sessionId)
      .where('place_id', '=', found.placeId)
      .where('lease_owner', 'is not distinct from', fence.owner)
      .where('lease_fence', '=', fence.number)
      .executeTakeFirst();
    return numUpdatedRows > 0n;
  },

  async recordReached(trx: Trx, sessionId: string, at: Date): Promise<void> {
    await trx
      .updateTable('sessions')
      .set({ reachable_at: at })
      .where('id', '=', sessionId)
      .where('reachable_at', 'is', null)
      .execute();
  },

  async clear(trx: Trx, sessionId: string, next: { attempts: number; retryAt: Date | null }): Promise<void> {
    await trx
      .updateTable('sessions')
      .set({
        place_id: null,
        place_handle: null,
        place_doors: null,
        container_id: null,
        place_started_at: null,
        reachable_at: null,
        attempts: next.attempts,
        retry_at: next.retryAt,
      })
      .where('id', '=', sessionId)
      .execute();
  },

  /** Some of the sessions that were terminated by then and have their disk still: any, so that none holds up the others. */
  async dueDisks(terminatedBy: Date, limit: number, claimant: Claimant): Promise<string[]> {
    const rows = await db
      .selectFrom('sessions')
      .select('id')
      .where('wanted', '=', 'terminated')
      .where('disk_removed_at', 'is', null)
      .where('terminated_at', '<=', terminatedBy)
      .where(mayClaim(claimant))
      .orderBy(sql`random()`)
      .limit(limit)
      .execute();
    return rows.map((row) => row.id);
  },

  /** False where it has begun before. */
  async beginDiskRemoval(trx: Trx, sessionId: string, at: Date): Promise<boolean> {
    const { numUpdatedRows } = await trx
      .updateTable('sessions')
      .set({ disk_removal_at: at })
      .where('id', '=', sessionId)
      .where('disk_removal_at', 'is', null)
      .executeTakeFirst();
    return numUpdatedRows > 0n;
  },

  async recordDiskRemoved(trx: Trx, sessionId: string, at: Date): Promise<void> {
    await trx.updateTable('sessions').set({ disk_removed_at: at }).where('id', '=', sessionId).execute();
  },

  /** How many sessions of the site are shown as what; the state of those alone is read that shall run. */
  async countShown(): Promise<Map<ShownStatus, number>> {
    const { rows } = await sql<CountedRow>`
      select wanted, place, asks, works, of_task, sets_up, count(*)::int as count from (
        select wanted,
          case when wanted = 'running' then coalesce(state #>> '{place,status}', 'none')
               when status = 'error' then 'failed' when status = 'stopped' then 'stopped' else 'stopping' end as place,
          wanted = 'running' and jsonb_array_length(coalesce(state -> 'approvals', '[]')) > 0 as asks,
          wanted = 'running' and coalesce(jsonb_typeof(state -> 'turn'), 'null') <> 'null' as works,
          wanted = 'running' and coalesce(state #>> '{lastTurn,ofTask}', '') = 'true' as of_task,
          wanted = 'running' and coalesce(state #>> '{setup,status}', '') in ('waiting', 'running') as sets_up
        from sessions
      ) as seen group by wanted, place, asks, works, of_task, sets_up`.execute(db);
    const counts = new Map<ShownStatus, number>();
    for (const row of rows) {
      const shown = shownStatusOf(stateAsCounted(row));
      counts.set(shown, (counts.get(shown) ?? 0) + row.count);
    }
    return counts;
  },

  /** Never back in time. */
  async touch(sessionId: string, activeAt: Date): Promise<void> {
    await db
      .updateTable('sessions')
      .set({ last_activity: activeAt })
      .where('id', '=', sessionId)
      .where('last_activity', '<', activeAt)
      .execute();
  },
});
export type PlacesStore = ReturnType<typeof createPlacesStore>;

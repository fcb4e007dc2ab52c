// SQL of sessions as the API shows them. The log's fold (state, head, status) is written by the events feature alone.

import { sql } from 'kysely';
import { initialSessionState, type SessionState } from '@remote-claude/contract';

import { json, type Database, type Executor, type SessionRow, type Trx } from '../../platform/database/index.js';
import type { PageEnd } from '../../platform/page-cursor.js';

export type ShownRow = Pick<
  SessionRow,
  | 'id'
  | 'user_id'
  | 'name'
  | 'status'
  | 'wanted'
  | 'config'
  | 'place_id'
  | 'head'
  | 'created_at'
  | 'last_activity'
  | 'terminated_at'
  | 'disk_removed_at'
> & { owner_name: string; project_id: string; project_name: string; project_personal: boolean; state: SessionState };

export interface ListFilter {
  /** Whoever is in them, by whatever; null for everybody's. */
  memberId: string | null;
  search: string | null;
  projectId: string | null;
  terminated: boolean;
  after: PageEnd | null;
  limit: number;
}

const shown = [
  'sessions.id',
  'sessions.user_id',
  'sessions.name',
  'sessions.status',
  'sessions.wanted',
  'sessions.config',
  'sessions.place_id',
  'sessions.head',
  'sessions.state',
  'sessions.created_at',
  'sessions.last_activity',
  'sessions.terminated_at',
  'sessions.disk_removed_at',
  'users.name as owner_name',
  'sessions.project_id',
  'projects.name as project_name',
  'projects.personal as project_personal',
] as const;

const toShown = <R extends { state: unknown }>(row: R): Omit<R, 'state'> & { state: SessionState } => ({
  ...row,
  state: { ...initialSessionState, ...(row.state as Partial<SessionState>) },
});

const escapeLike = (text: string): string => text.replace(/[\\%_]/g, (character) => `\\${character}`);

export const createSessionsStore = ({ db }: Database) => ({
  async find(sessionId: string, executor: Executor = db): Promise<ShownRow | null> {
    const row = await executor
      .selectFrom('sessions')
      .innerJoin('users', 'users.id', 'sessions.user_id')
      .innerJoin('projects', 'projects.id', 'sessions.project_id')
      .select(shown)
      .where('sessions.id', '=', sessionId)
      .executeTakeFirst();
    return row === undefined ? null : toShown(row);
  },

  /** The last active first. */
  async list(filter: ListFilter): Promise<ShownRow[]> {
    let query = db
      .selectFrom('sessions')
      .innerJoin('users', 'users.id', 'sessions.user_id')
      .innerJoin('projects', 'projects.id', 'sessions.project_id')
      .select(shown)
      .orderBy('sessions.last_activity', 'desc')
      .orderBy('sessions.id', 'desc')
      .limit(filter.limit);
    const { memberId, search, projectId, after } = filter;
    if (memberId !== null)
      query = query.where((eb) =>
        eb(
          'sessions.id',
          'in',
          eb.selectFrom('session_people').select('session_id').where('session_people.user_id', '=', memberId),
        ),
      );
    if (projectId !== null) query = query.where('sessions.project_id', '=', projectId);
    if (!filter.terminated) query = query.where('sessions.wanted', '!=', 'terminated');
    if (search !== null) query = query.where('sessions.name', 'ilike', `%${escapeLike(search)}%`);
    if (after !== null) {
      query = query.where((eb) =>
        eb.or([
          eb('sessions.last_activity', '<', after.at),
          eb.and([eb('sessions.last_activity', '=', after.at), eb('sessions.id', '<', after.id)]),
        ]),
      );
    }
    return (await query.execute()).map(toShown);
  },

  /** Only one transaction at a time counts and adds a person's sessions. */
  async lockOwner(trx: Trx, userId: string): Promise<void> {
    await trx.selectFrom('users').select('id').where('id', '=', userId).forNoKeyUpdate().execute();
  },

  async countRunning(trx: Trx, userId: string): Promise<number> {
    const { count } = await trx
      .selectFrom('sessions')
      .select((eb) => eb.fn.countAll<number>().as('count'))
      .where('user_id', '=', userId)
      .where('wanted', '=', 'running')
      .executeTakeFirstOrThrow();
    return count;
  },

  async insert(
    trx: Trx,
    session: { id: string; userId: string; projectId: string; name: string; config: unknown; at: Date },
  ): Promise<void> {
    const { id, userId, projectId, name, at } = session;
    const owned = { id, user_id: userId, project_id: projectId };
    await trx
      .insertInto('sessions')
      .values({ ...owned, name, config: json(session.config), created_at: at, last_activity: at })
      .execute();
  },

  /** What was chosen, as a whole. */
  async changeConfig(trx: Trx, sessionId: string, config: unknown): Promise<void> {
    await trx
      .updateTable('sessions')
      .set({ config: json(config) })
      .where('id', '=', sessionId)
      .execute();
  },

  async terminate(trx: Trx, sessionId: string, at: Date): Promise<void> {
    await trx.updateTable('sessions').set({ terminated_at: at }).where('id', '=', sessionId).execute();
  },

  /** From now on it stands in line for a place, behind all that wait already. */
  async wantAnew(trx: Trx, sessionId: string): Promise<void> {
    await trx
      .updateTable('sessions')
      .set({ wanted_at: sql`clock_timestamp()` })
      .where('id', '=', sessionId)
      .execute();
  },

  /** The next start makes one. */
  async forgetDisk(trx: Trx, sessionId: string): Promise<void> {
    await trx.updateTable('sessions').set({ disk_made_at: null }).where('id', '=', sessionId).execute();
  },

  /** A person asked for it, so that failures so far no longer count. */
  async forgetAttempts(trx: Trx, sessionId: string): Promise<void> {
    await trx.updateTable('sessions').set({ attempts: 0, retry_at: null }).where('id', '=', sessionId).execute();
  },
});
export type SessionsStore = ReturnType<typeof createSessionsStore>;

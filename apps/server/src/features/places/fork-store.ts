// SQL of forks whose files are still to come: whose they are, and how the session is that they come from.

import { sql } from 'kysely';
import { initialSessionState, type SessionState, type UserId } from '@remote-claude/contract';

import type { Database } from '../../platform/database/index.js';

export interface ForkSource {
  /** Whose the fork is. */
  ownerId: UserId;
  /** Null where there is no such session any more. */
  source: { wanted: 'running' | 'stopped' | 'terminated'; place: SessionState['place'] } | null;
}

export const createForkStore = ({ db }: Database) => ({
  async find(forkId: string, sourceId: string): Promise<ForkSource | null> {
    const row = await db
      .selectFrom('sessions as fork')
      .leftJoin('sessions as source', (join) => join.on('source.id', '=', sourceId))
      .select(['fork.user_id', 'source.wanted', 'source.state'])
      .where('fork.id', '=', forkId)
      .executeTakeFirst();
    if (row === undefined) return null;
    const { place } = { ...initialSessionState, ...(row.state as Partial<SessionState> | null) };
    return { ownerId: row.user_id as UserId, source: row.wanted === null ? null : { wanted: row.wanted, place } };
  },

  /** Which of these are sessions, and whether they still need what this one keeps for them. */
  async needs(sourceId: string, forkIds: readonly string[]): Promise<Map<string, boolean>> {
    const rows = await db
      .selectFrom('sessions')
      .select([
        'id',
        sql<boolean>`wanted <> 'terminated' and state #>> '{fork,sessionId}' = ${sourceId}
          and state #>> '{fork,isFilled}' = 'false'`.as('needs'),
      ])
      .where('id', 'in', forkIds)
      .execute();
    return new Map(rows.map(({ id, needs }) => [id, needs]));
  },
});
export type ForkStore = ReturnType<typeof createForkStore>;

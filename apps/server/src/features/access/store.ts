// SQL of the rules: what a person is to a session.

import type { MemberRole } from '@remote-claude/contract';

import type { Database } from '../../platform/database/index.js';

export const createAccessStore = ({ db }: Database) => ({
  /** null where there is no such session. */
  async find(sessionId: string, userId: string): Promise<{ ownerId: string; role: MemberRole | null } | null> {
    const row = await db
      .selectFrom('sessions')
      .leftJoin('session_members', (join) =>
        join.onRef('session_members.session_id', '=', 'sessions.id').on('session_members.user_id', '=', userId),
      )
      .select(['sessions.user_id', 'session_members.role'])
      .where('sessions.id', '=', sessionId)
      .executeTakeFirst();
    return row === undefined ? null : { ownerId: row.user_id, role: row.role };
  },
});
export type AccessStore = ReturnType<typeof createAccessStore>;

// SQL of sharing.

import type { Author, Member, MemberRole, UserId } from '@remote-claude/contract';

import type { Database, Executor, Trx } from '../../platform/database/index.js';

interface Row {
  id: string;
  name: string;
  email: string;
  role: MemberRole;
  added_at: Date;
}

const toMember = ({ id, name, email, role, added_at: at }: Row): Member => ({
  userId: id as UserId,
  name,
  email,
  role,
  addedAt: at.toISOString(),
});

export const createMembersStore = ({ db }: Database) => {
  const membersOf = (executor: Executor, sessionId: string) =>
    executor
      .selectFrom('session_members')
      .innerJoin('users', 'users.id', 'session_members.user_id')
      .select(['users.id', 'users.name', 'users.email', 'session_members.role', 'session_members.added_at'])
      .where('session_members.session_id', '=', sessionId);

  return {
    async owner(sessionId: string, executor: Executor = db): Promise<Author | null> {
      const row = await executor
        .selectFrom('sessions')
        .innerJoin('users', 'users.id', 'sessions.user_id')
        .select(['users.id', 'users.name'])
        .where('sessions.id', '=', sessionId)
        .executeTakeFirst();
      return row === undefined ? null : { userId: row.id as UserId, name: row.name };
    },

    /** In the order of joining. */
    async list(sessionId: string): Promise<Member[]> {
      const rows = await membersOf(db, sessionId).orderBy('added_at').orderBy('users.id').execute();
      return rows.map(toMember);
    },

    async find(trx: Trx, sessionId: string, userId: string): Promise<Member | null> {
      const row = await membersOf(trx, sessionId).where('users.id', '=', userId).executeTakeFirst();
      return row === undefined ? null : toMember(row);
    },

    async count(trx: Trx, sessionId: string): Promise<number> {
      const { count } = await trx
        .selectFrom('session_members')
        .select((eb) => eb.fn.countAll<number>().as('count'))
        .where('session_id', '=', sessionId)
        .executeTakeFirstOrThrow();
      return count;
    },

    async readers(sessionId: string): Promise<string[]> {
      const rows = await db
        .selectFrom('session_people')
        .select('user_id')
        .distinct()
        .where('session_id', '=', sessionId)
        .execute();
      return rows.map((row) => row.user_id);
    },

    /** Only one transaction at a time changes who is in a session. Its project is held first, as who is in that counts too. */
    async lock(trx: Trx, sessionId: string): Promise<void> {
      await trx
        .selectFrom('projects')
        .select('id')
        .where('id', '=', (eb) => eb.selectFrom('sessions').select('project_id').where('id', '=', sessionId))
        .forShare()
        .execute();
      await trx.selectFrom('sessions').select('id').where('id', '=', sessionId).forNoKeyUpdate().execute();
    },

    async put(trx: Trx, sessionId: string, userId: string, role: MemberRole): Promise<void> {
      await trx
        .insertInto('session_members')
        .values({ session_id: sessionId, user_id: userId, role })
        .onConflict((conflict) => conflict.columns(['session_id', 'user_id']).doUpdateSet({ role }))
        .execute();
    },

    async remove(trx: Trx, sessionId: string, userId: string): Promise<void> {
      await trx
        .deleteFrom('session_members')
        .where('session_id', '=', sessionId)
        .where('user_id', '=', userId)
        .execute();
    },
  };
};
export type MembersStore = ReturnType<typeof createMembersStore>;

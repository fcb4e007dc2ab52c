// SQL of sign-ins: login sessions, tickets and the users they belong to.

import type { SiteRole } from '@remote-claude/contract';

import type { Database, Executor } from '../../platform/database/index.js';

export interface LoginRow {
  loginId: string;
  userId: string;
  kind: 'cookie' | 'token';
  email: string;
  name: string;
  role: SiteRole;
  createdAt: Date;
  expiresAt: Date;
}

export interface NewLogin {
  idHash: Buffer;
  /** Stays the same when the cookie rotates. */
  loginId: string;
  userId: string;
  kind: 'cookie' | 'token';
  createdAt: Date;
  expiresAt: Date;
  userAgent: string | null;
  ip: string | null;
}

export const createAuthStore = ({ db }: Database) => ({
  /** The valid login of a hash; a cookie that was replaced stays valid until its short grace ends. */
  async findLogin(idHash: Buffer, now: Date): Promise<LoginRow | null> {
    const row = await db
      .selectFrom('logins')
      .innerJoin('users', 'users.id', 'logins.user_id')
      .select(['logins.login_id', 'logins.user_id', 'logins.kind', 'logins.created_at', 'logins.expires_at'])
      .select(['users.email', 'users.name', 'users.site_role'])
      .where('logins.id_hash', '=', idHash)
      .where('logins.expires_at', '>', now)
      .where('users.disabled_at', 'is', null)
      .executeTakeFirst();
    if (row === undefined) return null;
    return {
      loginId: row.login_id,
      userId: row.user_id,
      kind: row.kind,
      email: row.email,
      name: row.name,
      role: row.site_role,
      createdAt: row.created_at,
      expiresAt: row.expires_at,
    };
  },

  async insertLogin(executor: Executor, login: NewLogin): Promise<void> {
    await executor
      .insertInto('logins')
      .values({
        id_hash: login.idHash,
        login_id: login.loginId,
        user_id: login.userId,
        kind: login.kind,
        created_at: login.createdAt,
        expires_at: login.expiresAt,
        user_agent: login.userAgent?.slice(0, 300) ?? null,
        ip: login.ip,
      })
      .execute();
  },

  /**
   * Ends a replaced cookie soon; false where another request replaced it since `repeatAfter`. An answer with the
   * successor can be lost on its way, so within its grace a replaced cookie is replaced again.
   */
  async retire(
    executor: Executor,
    idHash: Buffer,
    at: { now: Date; repeatAfter: Date; graceEnd: Date },
  ): Promise<boolean> {
    const result = await executor
      .updateTable('logins')
      .set((eb) => ({ rotated_at: at.now, expires_at: eb.fn<Date>('least', ['expires_at', eb.val(at.graceEnd)]) }))
      .where('id_hash', '=', idHash)
      .where((eb) => eb.or([eb('rotated_at', 'is', null), eb('rotated_at', '<', at.repeatAfter)]))
      .executeTakeFirst();
    return result.numUpdatedRows > 0n;
  },

  async deleteLogin(executor: Executor, loginId: string): Promise<void> {
    await executor.deleteFrom('logins').where('login_id', '=', loginId).execute();
  },

  /** The ids of the logins that ended. */
  async deleteLoginsOf(executor: Executor, userId: string): Promise<string[]> {
    const rows = await executor.deleteFrom('logins').where('user_id', '=', userId).returning('login_id').execute();
    return [...new Set(rows.map((row) => row.login_id))];
  },

  /** Those of these logins that do not hold any more. */
  async endedAmong(loginIds: readonly string[], now: Date): Promise<string[]> {
    if (loginIds.length === 0) return [];
    const rows = await db
      .selectFrom('logins')
      .innerJoin('users', 'users.id', 'logins.user_id')
      .select('logins.login_id')
      .where('logins.login_id', 'in', [...loginIds])
      .where('logins.expires_at', '>', now)
      .where('users.disabled_at', 'is', null)
      .execute();
    const alive = new Set(rows.map((row) => row.login_id));
    return loginIds.filter((id) => !alive.has(id));
  },

  async deleteExpired(now: Date): Promise<void> {
    await db.deleteFrom('logins').where('expires_at', '<', now).execute();
    await db.deleteFrom('tickets').where('expires_at', '<', now).execute();
  },

  async insertTicket(
    executor: Executor,
    ticket: { hash: Buffer; loginId: string; userId: string; sessionId: string; expiresAt: Date },
  ): Promise<void> {
    await executor
      .insertInto('tickets')
      .values({
        hash: ticket.hash,
        login_id: ticket.loginId,
        user_id: ticket.userId,
        session_id: ticket.sessionId,
        expires_at: ticket.expiresAt,
      })
      .execute();
  },

  /** Uses a ticket up; null where it is unknown, used, late, of another session, or its sign-in has ended. */
  async takeTicket(
    hash: Buffer,
    sessionId: string,
    now: Date,
  ): Promise<{ loginId: string; userId: string; email: string; name: string; role: SiteRole } | null> {
    const used = await db
      .deleteFrom('tickets')
      .where('hash', '=', hash)
      .where('session_id', '=', sessionId)
      .where('expires_at', '>', now)
      .returning(['login_id', 'user_id'])
      .executeTakeFirst();
    if (used === undefined) return null;
    const person = await db
      .selectFrom('users')
      .innerJoin('logins', 'logins.user_id', 'users.id')
      .select(['users.email', 'users.name', 'users.site_role'])
      .where('logins.login_id', '=', used.login_id)
      .where('logins.expires_at', '>', now)
      .where('users.disabled_at', 'is', null)
      .executeTakeFirst();
    if (person === undefined) return null;
    return {
      loginId: used.login_id,
      userId: used.user_id,
      email: person.email,
      name: person.name,
      role: person.site_role,
    };
  },

  async userByEmail(email: string) {
    return db
      .selectFrom('users')
      .select(['id', 'password_hash', 'disabled_at'])
      .where('email', '=', email)
      .executeTakeFirst();
  },

  async touchUser(executor: Executor, userId: string, at: Date): Promise<void> {
    await executor.updateTable('users').set({ last_login: at }).where('id', '=', userId).execute();
  },
});
export type AuthStore = ReturnType<typeof createAuthStore>;

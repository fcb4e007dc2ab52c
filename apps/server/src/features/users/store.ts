// SQL of users.

import { AppError, type SiteRole, type User, type UserId } from '@remote-claude/contract';
import { sql, type Selectable } from 'kysely';

import type { Database, Executor } from '../../platform/database/index.js';
import { isUniqueViolation } from '../../platform/database/index.js';
import type { UsersTable } from '../../platform/database/schema.js';

const toUser = (row: Selectable<UsersTable>): User => ({
  id: row.id as UserId,
  email: row.email,
  name: row.name,
  role: row.site_role,
  disabled: row.disabled_at !== null,
  createdAt: row.created_at.toISOString(),
  lastLogin: row.last_login?.toISOString() ?? null,
});

export interface NewUser {
  id?: string;
  email: string;
  name: string;
  passwordHash: string;
  role: SiteRole;
}

export interface UserChange {
  name?: string;
  role?: SiteRole;
  passwordHash?: string;
  disabledAt?: Date | null;
}

export const createUsersStore = ({ db }: Database) => ({
  async count(executor: Executor = db): Promise<number> {
    const { count } = await executor
      .selectFrom('users')
      .select((eb) => eb.fn.countAll<string>().as('count'))
      .executeTakeFirstOrThrow();
    return Number(count);
  },

  async find(id: string, executor: Executor = db): Promise<User | null> {
    const row = await executor.selectFrom('users').selectAll().where('id', '=', id).executeTakeFirst();
    return row === undefined ? null : toUser(row);
  },

  /** Oldest first, after the user with this id. */
  async page(after: string | null, limit: number): Promise<User[]> {
    let query = db.selectFrom('users').selectAll().orderBy('created_at').orderBy('id').limit(limit);
    if (after !== null) {
      query = query.where((eb) =>
        eb(
          eb.refTuple('created_at', 'id'),
          '>',
          eb
            .selectFrom('users as u')
            .select(['u.created_at', 'u.id'])
            .where('u.id', '=', after)
            .$asTuple('created_at', 'id'),
        ),
      );
    }
    return (await query.execute()).map(toUser);
  },

  async insert(executor: Executor, user: NewUser): Promise<User> {
    try {
      const row = await executor
        .insertInto('users')
        .values({
          ...(user.id === undefined ? {} : { id: user.id }),
          email: user.email,
          name: user.name,
          password_hash: user.passwordHash,
          site_role: user.role,
        })
        .returningAll()
        .executeTakeFirstOrThrow();
      return toUser(row);
    } catch (thrown) {
      if (!isUniqueViolation(thrown)) throw thrown;
      throw new AppError(
        'already_exists',
        { message: 'There is a user with this e-mail address already.' },
        { cause: thrown },
      );
    }
  },

  async update(executor: Executor, id: string, change: UserChange): Promise<User | null> {
    const row = await executor
      .updateTable('users')
      .set({
        ...(change.name === undefined ? {} : { name: change.name }),
        ...(change.role === undefined ? {} : { site_role: change.role }),
        ...(change.passwordHash === undefined ? {} : { password_hash: change.passwordHash }),
        ...(change.disabledAt === undefined ? {} : { disabled_at: change.disabledAt }),
      })
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirst();
    return row === undefined ? null : toUser(row);
  },

  /** Admins who can sign in, locked until the transaction ends. */
  async lockActiveAdmins(executor: Executor): Promise<string[]> {
    const rows = await executor
      .selectFrom('users')
      .select('id')
      .where('site_role', '=', 'admin')
      .where('disabled_at', 'is', null)
      .orderBy('id')
      .forUpdate()
      .execute();
    return rows.map((row) => row.id);
  },

  /** Only one transaction at a time makes the first user. */
  async lockTable(executor: Executor): Promise<void> {
    await sql`lock table users in share row exclusive mode`.execute(executor);
  },
});
export type UsersStore = ReturnType<typeof createUsersStore>;

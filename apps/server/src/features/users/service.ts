// People: the first admin, adding, changing. How they sign in is the auth feature's matter.

import { AppError, userId, type SiteRole, type User } from '@remote-claude/contract';

import type { Clock } from '../../platform/clock.js';
import type { Database } from '../../platform/database/index.js';
import type { Actor } from '../../platform/http/index.js';
import { wrongCursor } from '../../platform/page-cursor.js';
import type { Audit } from '../audit/index.js';
import { hashPassword, type Auth } from '../auth/index.js';
import type { SetupToken } from './setup-token.js';
import type { UserChange, UsersStore } from './store.js';

export interface UsersDeps {
  database: Database;
  store: UsersStore;
  auth: Auth;
  audit: Audit;
  clock: Clock;
  setupToken: SetupToken;
}

export interface Person {
  email: string;
  name: string;
  password: string;
}

export const createUsers = ({ database, store, auth, audit, clock, setupToken }: UsersDeps) => ({
  setupNeeded: async (): Promise<boolean> => (await store.count()) === 0,

  async get(id: string): Promise<User> {
    const user = await store.find(id);
    if (user === null) throw new AppError('not_found');
    return user;
  },

  /** Makes the first admin, once, and signs them in. */
  async setup(token: string, person: Person, origin: { ip: string; userAgent: string | null }) {
    if ((await store.count()) > 0) throw new AppError('setup_done');
    if (!(await setupToken.matches(token))) {
      await audit.record(database.db, { userId: null, sessionId: null, action: 'auth.setup.refused', ip: origin.ip });
      throw new AppError('setup_token_wrong');
    }
    const passwordHash = await hashPassword(person.password);
    const made = await database.transaction(async (trx) => {
      await store.lockTable(trx);
      if ((await store.count(trx)) > 0) throw new AppError('setup_done');
      const user = await store.insert(trx, { email: person.email, name: person.name, passwordHash, role: 'admin' });
      await audit.record(trx, { userId: user.id, sessionId: null, action: 'auth.setup', ip: origin.ip });
      return { user, signIn: await auth.begin(trx, user.id, 'cookie', origin) };
    });
    await setupToken.remove();
    return made;
  },

  async list(cursor: string | undefined, limit: number): Promise<{ items: User[]; nextCursor: string | null }> {
    const after = cursor ?? null;
    if (after !== null && !userId.safeParse(after).success) throw wrongCursor();
    const items = await store.page(after, limit + 1);
    const more = items.length > limit;
    return { items: items.slice(0, limit), nextCursor: more ? (items[limit - 1]?.id ?? null) : null };
  },

  /** `id` is the new user's: asked again under it, that one is the answer. */
  async create(actor: Actor, { id, ...person }: Person & { id: string; role: SiteRole }, ip: string): Promise<User> {
    const passwordHash = await hashPassword(person.password);
    return database.transaction(async (trx) => {
      const made = await store.find(id, trx);
      if (made !== null) return made;
      const { email, name, role } = person;
      const user = await store.insert(trx, { id, email, name, role, passwordHash });
      await audit.record(trx, {
        userId: actor.userId,
        sessionId: null,
        action: 'users.create',
        details: { user: user.id, role: user.role },
        ip,
      });
      return user;
    });
  },

  async patch(
    actor: Actor,
    id: string,
    change: {
      name?: string | undefined;
      role?: SiteRole | undefined;
      password?: string | undefined;
      disabled?: boolean | undefined;
    },
    ip: string,
  ): Promise<User> {
    const passwordHash = change.password === undefined ? undefined : await hashPassword(change.password);
    return database.transaction(async (trx) => {
      const admins = await store.lockActiveAdmins(trx);
      const before = await store.find(id, trx);
      const demoted = change.role === 'member' || change.disabled === true;
      if (demoted && admins.length === 1 && admins[0] === id) {
        throw new AppError('conflict', {
          message: 'This is the last admin who can sign in. Make somebody else an admin first.',
        });
      }
      const set: UserChange = {
        ...(change.name === undefined ? {} : { name: change.name }),
        ...(change.role === undefined ? {} : { role: change.role }),
        ...(passwordHash === undefined ? {} : { passwordHash }),
        ...(change.disabled === undefined ? {} : { disabledAt: change.disabled ? clock.now() : null }),
      };
      const user = Object.keys(set).length === 0 ? await store.find(id, trx) : await store.update(trx, id, set);
      if (user === null) throw new AppError('not_found');
      // A new role or password holds at once, for open sign-ins and sockets too.
      if (user.role !== before?.role || user.disabled || passwordHash !== undefined) await auth.revokeUser(trx, id);
      const { password: _password, ...told } = change;
      await audit.record(trx, {
        userId: actor.userId,
        sessionId: null,
        action: 'users.patch',
        details: { user: id, ...told, password: passwordHash === undefined ? 'kept' : 'changed' },
        ip,
      });
      return user;
    });
  },
});
export type Users = ReturnType<typeof createUsers>;

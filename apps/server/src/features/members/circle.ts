// Who is in something that people share (a session, a project): brought in by e-mail address, changed, taken out. Refused
// addresses are paced and audited. It knows neither what is shared nor what a role may.

import { AppError, type UserId } from '@remote-claude/contract';

import type { Database, Trx } from '../../platform/database/index.js';
import type { Actor } from '../../platform/http/index.js';
import type { Limiter } from '../../platform/limiter.js';
import type { Audit } from '../audit/index.js';
import { userIdOf } from './people-store.js';

export interface Request {
  actor: Actor;
  ip: string;
}

export interface InCircle<R extends string> {
  userId: UserId;
  name: string;
  email: string | null;
  role: R;
  addedAt: string;
}

export interface CircleStore<R extends string> {
  /** Only one transaction at a time changes who is in it. */
  lock(trx: Trx, id: string): Promise<void>;
  find(trx: Trx, id: string, userId: string): Promise<InCircle<R> | null>;
  put(trx: Trx, id: string, userId: string, role: R): Promise<void>;
  remove(trx: Trx, id: string, userId: string): Promise<void>;
  count(trx: Trx, id: string): Promise<number>;
}

export interface CircleDeps<R extends string> {
  database: Database;
  store: CircleStore<R>;
  audit: Audit;
  /** Of refused adds, by person: each tells whether an address has an account here. */
  guesses: Limiter;
  /** Begins the actions in the audit log. */
  action: string;
  /** Where an act stands in the audit log. */
  entryOf(id: string): { sessionId: string | null; details: Record<string, unknown> };
  words: { full: string; notIn: string };
  /** Throws where this actor may not say who is in it; asked under the lock, as they may be out of it themselves by then. */
  mayAct(trx: Trx, id: string, actor: Actor): Promise<void>;
  /** Throws where this person is not to be brought in. */
  admit?(trx: Trx, id: string, userId: string): Promise<void>;
  /** Throws where this person is to keep their role; null takes them out. */
  mayChange?(trx: Trx, id: string, userId: string, role: R | null): Promise<void>;
  /** In the same transaction. */
  onChanged(trx: Trx, id: string, userId: string): Promise<void>;
}

/** More would be a site. */
export const maxPeople = 200;

export const createCircle = <R extends string>(deps: CircleDeps<R>) => {
  const { database, store, audit, guesses, words, action: prefix } = deps;

  const note = (executor: Trx | Database['db'], { actor, ip }: Request, id: string, what: Noted): Promise<void> => {
    const { sessionId, details } = deps.entryOf(id);
    const action = `${prefix}.${what.action}`;
    return audit.record(executor, {
      userId: actor.userId,
      sessionId,
      action,
      details: { ...details, ...what.details },
      ip,
    });
  };

  /** `find` says whom it is about, under the lock. */
  const change = (
    request: Request,
    id: string,
    { action, role, find }: { action: string; role: R; find(trx: Trx): Promise<string> },
  ): Promise<InCircle<R>> =>
    database.transaction(async (trx) => {
      await store.lock(trx, id);
      await deps.mayAct(trx, id, request.actor);
      const userId = await find(trx);
      await deps.mayChange?.(trx, id, userId, role);
      await store.put(trx, id, userId, role);
      await note(trx, request, id, { action, details: { user: userId, role } });
      await deps.onChanged(trx, id, userId);
      const found = await store.find(trx, id, userId);
      if (found === null) throw new AppError('not_found');
      return found;
    });

  /** Somebody with this address for whom there is room. */
  const newcomer = async (trx: Trx, id: string, email: string): Promise<string> => {
    const userId = await userIdOf(trx, email);
    if (userId === null) throw new AppError('not_found', { message: 'Nobody with an account here has this address.' });
    await deps.admit?.(trx, id, userId);
    if ((await store.count(trx, id)) >= maxPeople && (await store.find(trx, id, userId)) === null)
      throw new AppError('conflict', { message: words.full });
    return userId;
  };

  return {
    async add(request: Request, id: string, { email, role }: { email: string; role: R }): Promise<InCircle<R>> {
      const { userId } = request.actor;
      // Before the look, so that many at a time are no way around it.
      await guesses.take(userId);
      try {
        const find = (trx: Trx): Promise<string> => newcomer(trx, id, email);
        const added = await change(request, id, { action: 'add', role, find });
        await guesses.giveBack(userId);
        return added;
      } catch (error) {
        if (error instanceof AppError) {
          const details = { email, code: error.code };
          await note(database.db, request, id, { action: 'add.refused', details });
        }
        throw error;
      }
    },

    /** Of one who is in it: only an address brings in somebody new. */
    put: (request: Request, { id, userId }: { id: string; userId: string }, role: R): Promise<InCircle<R>> =>
      change(request, id, {
        action: 'put',
        role,
        async find(trx) {
          if ((await store.find(trx, id, userId)) !== null) return userId;
          throw new AppError('not_found', { message: words.notIn });
        },
      }),

    /** `also` says what more there is for the audit log. */
    takeOut: (
      request: Request,
      id: string,
      { action, userId, also }: { action: 'delete' | 'leave'; userId: string; also?(trx: Trx): Promise<object> },
    ): Promise<void> =>
      database.transaction(async (trx) => {
        await store.lock(trx, id);
        if (action === 'delete') await deps.mayAct(trx, id, request.actor);
        await deps.mayChange?.(trx, id, userId, null);
        await store.remove(trx, id, userId);
        const more = await also?.(trx);
        await note(trx, request, id, { action, details: { user: userId, ...more } });
        await deps.onChanged(trx, id, userId);
      }),
  };
};

interface Noted {
  action: string;
  details: Record<string, unknown>;
}

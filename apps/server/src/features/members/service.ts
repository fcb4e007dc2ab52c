// With whom a session is shared: added, changed and taken out by its owner, or gone by themselves. What a role may is the policy's matter.

import { AppError, type Author, type Member, type MemberRole } from '@remote-claude/contract';

import type { Bus } from '../../platform/bus.js';
import type { Database, Trx } from '../../platform/database/index.js';
import type { Actor } from '../../platform/http/index.js';
import type { Limiter } from '../../platform/limiter.js';
import type { Audit } from '../audit/index.js';
import type { MembersStore } from './store.js';

export interface MembersDeps {
  database: Database;
  store: MembersStore;
  audit: Audit;
  bus: Bus;
  /** Of refused adds, by person: each tells whether an address has an account here. */
  guesses: Limiter;
}

export interface Request {
  actor: Actor;
  ip: string;
}

/** More would be a site, not a session. */
const maxMembers = 200;
/** Bus channel that says that a person may do more or less in a session: `{ sessionId, userId }`. */
const channel = 'members';

export const createMembers = ({ database, store, audit, bus, guesses }: MembersDeps) => {
  /** `find` says whom it is about, under the lock of the session. */
  const change = async (
    { actor, ip }: Request,
    sessionId: string,
    { action, role, find }: { action: string; role: MemberRole; find(trx: Trx): Promise<string> },
  ): Promise<Member> =>
    database.transaction(async (trx) => {
      await store.lock(trx, sessionId);
      const userId = await find(trx);
      await store.put(trx, sessionId, userId, role);
      await audit.record(trx, { userId: actor.userId, sessionId, action, details: { user: userId, role }, ip });
      await bus.publishIn(trx, channel, { sessionId, userId });
      const member = await store.find(trx, sessionId, userId);
      if (member === null) throw new AppError('not_found');
      return member;
    });

  /** Somebody with this address for whom there is room. */
  const newcomer = async (trx: Trx, sessionId: string, email: string): Promise<string> => {
    const userId = await store.userIdOf(trx, email);
    if (userId === null) throw new AppError('not_found', { message: 'Nobody with an account here has this address.' });
    const owner = await store.owner(sessionId, trx);
    if (owner === null) throw new AppError('not_found');
    if (owner.userId === userId)
      throw new AppError('conflict', { message: 'This is the session’s owner, who may do everything in it.' });
    const before = await store.list(sessionId, trx);
    if (before.length >= maxMembers && !before.some((one) => one.userId === userId))
      throw new AppError('conflict', { message: `A session is shared with at most ${maxMembers} people.` });
    return userId;
  };

  const takeOut = (
    { actor, ip }: Request,
    sessionId: string,
    { action, userId }: { action: string; userId: string },
  ): Promise<void> =>
    database.transaction(async (trx) => {
      await store.lock(trx, sessionId);
      await store.remove(trx, sessionId, userId);
      await audit.record(trx, { userId: actor.userId, sessionId, action, details: { user: userId }, ip });
      await bus.publishIn(trx, channel, { sessionId, userId });
    });

  return {
    /** Addresses are for the owner, who gave them. */
    async list({ actor }: Pick<Request, 'actor'>, sessionId: string): Promise<{ owner: Author; items: Member[] }> {
      const owner = await store.owner(sessionId);
      if (owner === null) throw new AppError('not_found');
      const items = await store.list(sessionId);
      return { owner, items: owner.userId === actor.userId ? items : items.map((one) => ({ ...one, email: null })) };
    },

    async add(
      request: Request,
      sessionId: string,
      { email, role }: { email: string; role: MemberRole },
    ): Promise<Member> {
      const { actor, ip } = request;
      // Before the look, so that many at a time are no way around it.
      await guesses.take(actor.userId);
      try {
        const find = (trx: Trx): Promise<string> => newcomer(trx, sessionId, email);
        const member = await change(request, sessionId, { action: 'members.add', role, find });
        await guesses.giveBack(actor.userId);
        return member;
      } catch (error) {
        if (error instanceof AppError) {
          const details = { email, code: error.code };
          const action = 'members.add.refused';
          await audit.record(database.db, { userId: actor.userId, sessionId, action, details, ip });
        }
        throw error;
      }
    },

    /** Of one who is in it: only an address brings in somebody new. */
    put: (request: Request, { id, userId }: { id: string; userId: string }, role: MemberRole): Promise<Member> =>
      change(request, id, {
        action: 'members.put',
        role,
        async find(trx) {
          if ((await store.find(trx, id, userId)) !== null) return userId;
          throw new AppError('not_found', {
            message: 'This person is not in the session. Add them by their e-mail address.',
          });
        },
      }),

    remove: (request: Request, { id, userId }: { id: string; userId: string }): Promise<void> =>
      takeOut(request, id, { action: 'members.delete', userId }),

    leave: (request: Request, sessionId: string): Promise<void> =>
      takeOut(request, sessionId, { action: 'members.leave', userId: request.actor.userId }),

    /** Everyone who may read in a session. */
    async readers(sessionId: string): Promise<string[]> {
      const owner = await store.owner(sessionId);
      const members = await store.list(sessionId);
      return [...(owner === null ? [] : [owner.userId]), ...members.map(({ userId }) => userId)];
    },

    /** Tells what changed, until the returned function is called; null: anything may have. */
    onChanged: (listener: (change: { sessionId: string; userId: string } | null) => void): (() => void) =>
      bus.subscribe(channel, (notice) =>
        listener(notice.kind === 'message' ? (notice.payload as { sessionId: string; userId: string }) : null),
      ),
  };
};
export type Members = ReturnType<typeof createMembers>;

// With whom a session itself is shared: added, changed and taken out by its owners, or gone by themselves. What a role may
// is the policy's matter, and who is in a session by its project the projects'.

import { AppError, type Author, type Member, type MemberRole } from '@remote-claude/contract';

import type { Bus } from '../../platform/bus.js';
import type { Database } from '../../platform/database/index.js';
import type { Access, MembersChange } from '../../platform/http/index.js';
import type { Limiter } from '../../platform/limiter.js';
import type { Audit } from '../audit/index.js';
import { createCircle, maxPeople, type Request } from './circle.js';
import type { MembersStore } from './store.js';

export interface MembersDeps {
  database: Database;
  store: MembersStore;
  audit: Audit;
  bus: Bus;
  guesses: Limiter;
  access: Pick<Access, 'authorize' | 'sessionPermissions'>;
}

/** Bus channel that says that a person may do more or less: `{ sessionId, userId }`; without a session it is anywhere. */
export const membersChannel = 'members';

export const createMembers = ({ database, store, audit, bus, guesses, access }: MembersDeps) => {
  const circle = createCircle<MemberRole>({
    database,
    store,
    audit,
    guesses,
    action: 'members',
    entryOf: (sessionId) => ({ sessionId, details: {} }),
    words: {
      full: `A session is shared with at most ${maxPeople} people.`,
      notIn: 'This person is not in the session. Add them by their e-mail address.',
    },
    mayAct: (trx, sessionId, actor) => access.authorize(actor, 'session.share', sessionId, trx),
    async admit(trx, sessionId, userId) {
      const owner = await store.owner(sessionId, trx);
      if (owner === null) throw new AppError('not_found');
      if (owner.userId === userId)
        throw new AppError('conflict', { message: 'This is the session’s owner, who may do everything in it.' });
    },
    onChanged: (trx, sessionId, userId) => bus.publishIn(trx, membersChannel, { sessionId, userId }),
  });

  return {
    /** Addresses are for those who may share it. */
    async list({ actor }: Pick<Request, 'actor'>, sessionId: string): Promise<{ owner: Author; items: Member[] }> {
      const owner = await store.owner(sessionId);
      if (owner === null) throw new AppError('not_found');
      const items = await store.list(sessionId);
      const mayShare = (await access.sessionPermissions(actor, sessionId)).has('session.share');
      return { owner, items: mayShare ? items : items.map((one) => ({ ...one, email: null })) };
    },

    add: circle.add,
    put: circle.put,

    remove: (request: Request, { id, userId }: { id: string; userId: string }): Promise<void> =>
      circle.takeOut(request, id, { action: 'delete', userId }),

    leave: (request: Request, sessionId: string): Promise<void> =>
      circle.takeOut(request, sessionId, { action: 'leave', userId: request.actor.userId }),

    /** Everyone who may read in a session, by whatever. */
    readers: store.readers,

    /** Tells what changed, until the returned function is called; null: anything may have. */
    onChanged: (listener: (change: MembersChange | null) => void): (() => void) =>
      bus.subscribe(membersChannel, (notice) => {
        if (notice.kind !== 'message') return listener(null);
        const { sessionId, userId } = notice.payload as Partial<MembersChange> & { userId: string };
        listener({ sessionId: sessionId ?? null, userId });
      }),
  };
};
export type Members = ReturnType<typeof createMembers>;

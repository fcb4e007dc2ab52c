// Applies the policy table to a request. How a person signs in is the auth feature's matter.

import { AppError, isSessionPermission, type Permission } from '@remote-claude/contract';

import type { Access, Actor } from '../../platform/http/index.js';
import { maySession, maySite, relationsTo, sessionPermissionsOf } from './policy.js';
import type { AccessStore } from './store.js';

export interface AccessDeps {
  store: AccessStore;
  authenticate: Access['authenticate'];
}

export const createAccess = ({ store, authenticate }: AccessDeps): Access => {
  const relations = async (actor: Actor, sessionId: string) => {
    const found = await store.find(sessionId, actor.userId);
    return found === null ? [] : relationsTo(actor, found);
  };

  return {
    authenticate,
    async authorize(actor: Actor | null, permission: Permission, sessionId: string | null) {
      if (!isSessionPermission(permission)) {
        if (maySite(actor?.role ?? 'anonymous', permission)) return;
        throw new AppError(actor === null ? 'unauthenticated' : 'forbidden');
      }
      if (actor === null) throw new AppError('unauthenticated');
      if (sessionId === null) throw new Error(`permission ${permission} is about a session, and the route names none`);
      const is = await relations(actor, sessionId);
      if (!maySession(is, 'session.inspect')) throw new AppError('not_found');
      if (!maySession(is, permission)) throw new AppError('forbidden');
    },
    sessionPermissions: async (actor, sessionId) =>
      new Set<string>(sessionPermissionsOf(await relations(actor, sessionId))),
  };
};

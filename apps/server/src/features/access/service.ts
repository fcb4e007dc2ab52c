// Applies the policy table to a request. How a person signs in is the auth feature's matter.

import { AppError, isSessionPermission, type Permission } from '@remote-claude/contract';

import type { Access, Actor } from '../../platform/http/index.js';
import { maySession, maySite, relationTo, sessionPermissionsOf } from './policy.js';
import type { AccessStore } from './store.js';

export interface AccessDeps {
  store: AccessStore;
  authenticate: Access['authenticate'];
}

export const createAccess = ({ store, authenticate }: AccessDeps): Access => {
  const relation = async (actor: Actor, sessionId: string) => {
    const ownerId = await store.ownerOf(sessionId);
    return ownerId === null ? ('stranger' as const) : relationTo(actor, { ownerId });
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
      const is = await relation(actor, sessionId);
      if (!maySession(is, 'session.inspect')) throw new AppError('not_found');
      if (!maySession(is, permission)) throw new AppError('forbidden');
    },
    sessionPermissions: async (actor, sessionId) =>
      new Set<string>(sessionPermissionsOf(await relation(actor, sessionId))),
  };
};

// Applies the policy table to a request. How a person signs in is the auth feature's matter.

import {
  AppError,
  isProjectPermission,
  isSessionPermission,
  type Permission,
  type SessionPermission,
  type UserId,
} from '@remote-claude/contract';

import type { Executor } from '../../platform/database/index.js';
import type { Access, Actor } from '../../platform/http/index.js';
import { mayProject, maySession, maySite, relationsTo, sessionPermissionsOf } from './policy.js';
import type { AccessStore } from './store.js';

/** What a person may do in a session as its owner or one with whom it is shared; who asks for it is not looked at. */
export const createRights = (store: AccessStore) => ({
  async may(userId: UserId, sessionId: string, permission: SessionPermission): Promise<boolean> {
    const found = await store.find(sessionId, userId);
    return found !== null && maySession(relationsTo({ userId, role: 'member' }, found), permission);
  },
});
export type Rights = ReturnType<typeof createRights>;

export interface AccessDeps {
  store: AccessStore;
  authenticate: Access['authenticate'];
}

const ownersOnly = 'Only an owner of the project may do this. Ask one of them.';

export const createAccess = ({ store, authenticate }: AccessDeps): Access => {
  const relations = async (actor: Actor, sessionId: string, executor?: Executor) => {
    const found = await store.find(sessionId, actor.userId, executor);
    return found === null ? [] : relationsTo(actor, found);
  };

  return {
    authenticate,
    async authorize(actor: Actor | null, permission: Permission, aboutId: string | null, executor?: Executor) {
      const ofProject = isProjectPermission(permission);
      if (!ofProject && !isSessionPermission(permission)) {
        if (maySite(actor?.role ?? 'anonymous', permission)) return;
        throw new AppError(actor === null ? 'unauthenticated' : 'forbidden');
      }
      if (actor === null) throw new AppError('unauthenticated');
      if (aboutId === null) throw new Error(`permission ${permission} is about something, and the route names nothing`);
      if (ofProject) {
        const role = await store.projectRole(aboutId, actor.userId, executor);
        if (!mayProject(role, 'project.read')) throw new AppError('not_found');
        if (!mayProject(role, permission)) throw new AppError('forbidden', { message: ownersOnly });
        return;
      }
      const is = await relations(actor, aboutId, executor);
      if (!maySession(is, 'session.inspect')) throw new AppError('not_found');
      if (!maySession(is, permission)) throw new AppError('forbidden');
    },
    sessionPermissions: async (actor, sessionId) =>
      new Set<string>(sessionPermissionsOf(await relations(actor, sessionId))),
  };
};

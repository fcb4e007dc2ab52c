// Who may do what: the one policy table, as pure functions. It knows no request and no store.

import {
  sessionPermissions,
  sitePermissions,
  type SessionPermission,
  type SitePermission,
  type SiteRole,
  type UserId,
} from '@remote-claude/contract';

const siteTable: Readonly<Record<SitePermission, readonly (SiteRole | 'anonymous')[]>> = {
  public: ['anonymous', 'member', 'admin'],
  'signed-in': ['member', 'admin'],
  'sessions.create': ['member', 'admin'],
  'users.read': ['admin'],
  'users.write': ['admin'],
  'settings.read': ['admin'],
  'settings.write': ['admin'],
};

/** What a person is to a session. An admin who does not own it may see that it exists and end it, no more. */
export type SessionRelation = 'owner' | 'admin' | 'stranger';

const sessionTable: Readonly<Record<SessionPermission, readonly SessionRelation[]>> = {
  'session.inspect': ['owner', 'admin'],
  'session.manage': ['owner', 'admin'],
  'session.chat.read': ['owner'],
  'session.chat.write': ['owner'],
  'session.approve': ['owner'],
  'session.files.read': ['owner'],
  'session.files.write': ['owner'],
  'session.terminal.read': ['owner'],
  'session.terminal.write': ['owner'],
  'session.execute': ['owner'],
  'session.rewind': ['owner'],
};

export const relationTo = (person: { userId: UserId; role: SiteRole }, session: { ownerId: string }): SessionRelation =>
  person.userId === session.ownerId ? 'owner' : person.role === 'admin' ? 'admin' : 'stranger';

export const maySite = (role: SiteRole | 'anonymous', permission: SitePermission): boolean =>
  siteTable[permission].includes(role);

export const maySession = (relation: SessionRelation, permission: SessionPermission): boolean =>
  sessionTable[permission].includes(relation);

export const sitePermissionsOf = (role: SiteRole): SitePermission[] =>
  sitePermissions.filter((permission) => maySite(role, permission));

export const sessionPermissionsOf = (relation: SessionRelation): SessionPermission[] =>
  sessionPermissions.filter((permission) => maySession(relation, permission));

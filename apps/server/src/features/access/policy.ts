// Who may do what: the one policy table, as pure functions. It knows no request and no store.

import {
  sessionPermissions,
  sitePermissions,
  type MemberRole,
  type ProjectPermission,
  type ProjectRole,
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

/**
 * What a person is to a project: the people of a project have in each of its sessions the part that they have in it. An
 * owner says who is in it, and what is allowed in all of its sessions; an editor makes sessions in it.
 */
const projectTable: Readonly<Record<ProjectPermission, readonly ProjectRole[]>> = {
  'project.read': ['owner', 'editor', 'viewer'],
  'project.work': ['owner', 'editor'],
  'project.manage': ['owner'],
  'project.allow': ['owner'],
};

/**
 * What a person is to a session, by themselves, by its project, or both; one who is nothing to it is a stranger. An admin
 * may see that it exists, start and end it, no more; a viewer reads along; an editor works in it, answers for it, and starts
 * it where it was stopped. Only its owners share it, and say what its place is made of: variables and an image are code in
 * it. A `guest` is somebody with whom the session itself is shared, and may
 * leave it: who is in it by its project leaves that. A fork takes files and memory along whole and makes the session keep
 * them for it, which is more than reading along.
 */
export type SessionRelation = ProjectRole | 'guest' | 'admin';

const sessionTable: Readonly<Record<SessionPermission, readonly SessionRelation[]>> = {
  'session.inspect': ['owner', 'editor', 'viewer', 'admin'],
  'session.manage': ['owner', 'admin'],
  'session.start': ['owner', 'editor', 'admin'],
  'session.prepare': ['owner'],
  'session.share': ['owner'],
  'session.leave': ['guest'],
  'session.chat.read': ['owner', 'editor', 'viewer'],
  'session.chat.write': ['owner', 'editor'],
  'session.approve': ['owner', 'editor'],
  'session.files.read': ['owner', 'editor', 'viewer'],
  'session.files.write': ['owner', 'editor'],
  'session.terminal.read': ['owner', 'editor', 'viewer'],
  'session.terminal.write': ['owner', 'editor'],
  'session.execute': ['owner', 'editor'],
  'session.rewind': ['owner', 'editor'],
  'session.fork': ['owner', 'editor'],
};

export const relationsTo = (
  person: { userId: UserId; role: SiteRole },
  session: { ownerId: string; role: MemberRole | null; projectRole: ProjectRole | null },
): SessionRelation[] => [
  ...(person.userId === session.ownerId ? (['owner'] as const) : []),
  ...(session.projectRole === null ? [] : [session.projectRole]),
  ...(session.role === null ? [] : ([session.role, 'guest'] as const)),
  ...(person.role === 'admin' ? (['admin'] as const) : []),
];

export const maySite = (role: SiteRole | 'anonymous', permission: SitePermission): boolean =>
  siteTable[permission].includes(role);

/** null for a stranger. */
export const mayProject = (role: ProjectRole | null, permission: ProjectPermission): boolean =>
  role !== null && projectTable[permission].includes(role);

export const maySession = (relations: readonly SessionRelation[], permission: SessionPermission): boolean =>
  relations.some((relation) => sessionTable[permission].includes(relation));

export const sitePermissionsOf = (role: SiteRole): SitePermission[] =>
  sitePermissions.filter((permission) => maySite(role, permission));

export const sessionPermissionsOf = (relations: readonly SessionRelation[]): SessionPermission[] =>
  sessionPermissions.filter((permission) => maySession(relations, permission));

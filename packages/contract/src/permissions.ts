/** The names of what can be permitted. Who has which is the server's policy table. */

/** On the site as a whole. `public` needs no sign-in, `signed-in` any. */
export const sitePermissions = [
  'public',
  'signed-in',
  'users.read',
  'users.write',
  'sessions.create',
  'settings.read',
  'settings.write',
] as const;

/** On one session; a person with none of them is answered 404. */
export const sessionPermissions = [
  'session.inspect',
  'session.manage',
  'session.start',
  'session.prepare',
  'session.share',
  'session.leave',
  'session.chat.read',
  'session.chat.write',
  'session.approve',
  'session.files.read',
  'session.files.write',
  'session.terminal.read',
  'session.terminal.write',
  'session.execute',
  'session.rewind',
  'session.fork',
] as const;

/** On one project; a person with none of them is answered 404. */
export const projectPermissions = ['project.read', 'project.work', 'project.manage', 'project.allow'] as const;

export type SitePermission = (typeof sitePermissions)[number];
export type SessionPermission = (typeof sessionPermissions)[number];
export type ProjectPermission = (typeof projectPermissions)[number];
export type Permission = SitePermission | SessionPermission | ProjectPermission;

export const isSessionPermission = (permission: Permission): permission is SessionPermission =>
  (sessionPermissions as readonly string[]).includes(permission);

export const isProjectPermission = (permission: Permission): permission is ProjectPermission =>
  (projectPermissions as readonly string[]).includes(permission);

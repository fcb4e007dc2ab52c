import {
  projectPermissions,
  sessionPermissions,
  sitePermissions,
  type MemberRole,
  type ProjectRole,
  type UserId,
} from '@remote-claude/contract';
import { describe, expect, it } from 'vitest';

import { mayProject, maySite, relationsTo, sessionPermissionsOf, sitePermissionsOf } from './policy.js';

const ada = '0f0e0d0c-0000-4000-8000-000000000001' as UserId;
const bob = '0f0e0d0c-0000-4000-8000-000000000002' as UserId;

const nobody = { ownerId: ada, role: null, projectRole: null };

describe('the policy table', () => {
  it('gives an owner everything in a session but leaving it, whatever the site role', () => {
    for (const role of ['admin', 'member'] as const) {
      expect(sessionPermissionsOf(relationsTo({ userId: ada, role }, { ...nobody, ownerId: ada }))).toEqual(
        sessionPermissions.filter((permission) => permission !== 'session.leave'),
      );
    }
  });

  it('gives a stranger nothing', () => {
    expect(sessionPermissionsOf(relationsTo({ userId: bob, role: 'member' }, { ...nobody, ownerId: ada }))).toEqual([]);
  });

  it('lets an admin see, start and end, but not read, another person’s session', () => {
    expect(sessionPermissionsOf(relationsTo({ userId: bob, role: 'admin' }, { ...nobody, ownerId: ada }))).toEqual([
      'session.inspect',
      'session.manage',
      'session.start',
    ]);
  });

  it('lets a viewer read and an editor work and start, and neither end or share', () => {
    const permissionsOf = (role: MemberRole) =>
      sessionPermissionsOf(relationsTo({ userId: bob, role: 'member' }, { ...nobody, role }));
    expect(permissionsOf('viewer')).toEqual([
      'session.inspect',
      'session.leave',
      'session.chat.read',
      'session.files.read',
      'session.terminal.read',
    ]);
    expect(sessionPermissions.filter((permission) => !permissionsOf('editor').includes(permission))).toEqual([
      'session.manage',
      'session.prepare',
      'session.share',
    ]);
  });

  it('gives the people of a project their part in its sessions, and the greater of two to who is in one twice', () => {
    const permissionsOf = (projectRole: ProjectRole | null, role: MemberRole | null) =>
      sessionPermissionsOf(relationsTo({ userId: bob, role: 'member' }, { ownerId: ada, role, projectRole }));
    const owner = sessionPermissions.filter((permission) => permission !== 'session.leave');
    expect(permissionsOf('owner', null)).toEqual(owner);
    // Who is in it by its project leaves that, and not the session.
    for (const role of ['editor', 'viewer'] as const) {
      const alone = permissionsOf(null, role).filter((permission) => permission !== 'session.leave');
      expect(permissionsOf(role, null)).toEqual(alone);
    }
    expect(permissionsOf('viewer', 'editor')).toEqual(permissionsOf(null, 'editor'));
    expect(permissionsOf('editor', 'viewer')).toEqual(permissionsOf(null, 'editor'));
    expect(permissionsOf('owner', 'viewer')).toEqual([...sessionPermissions]);
  });

  it('keeps a project for its owners, sessions in it for its editors too, and lets its viewers see it', () => {
    const permissionsOf = (role: ProjectRole | null) =>
      projectPermissions.filter((permission) => mayProject(role, permission));
    expect([permissionsOf('owner'), permissionsOf('editor'), permissionsOf('viewer'), permissionsOf(null)]).toEqual([
      [...projectPermissions],
      ['project.read', 'project.work'],
      ['project.read'],
      [],
    ]);
  });

  it('lets the anonymous do only what is public', () => {
    expect(sitePermissions.filter((permission) => maySite('anonymous', permission))).toEqual(['public']);
  });

  it('keeps people and settings for admins', () => {
    expect(sitePermissionsOf('member')).toEqual(['public', 'signed-in', 'sessions.create']);
    expect(sitePermissionsOf('admin')).toEqual([...sitePermissions]);
  });
});

import { sessionPermissions, sitePermissions, type MemberRole, type UserId } from '@remote-claude/contract';
import { describe, expect, it } from 'vitest';

import { maySite, relationsTo, sessionPermissionsOf, sitePermissionsOf } from './policy.js';

const ada = '0f0e0d0c-0000-4000-8000-000000000001' as UserId;
const bob = '0f0e0d0c-0000-4000-8000-000000000002' as UserId;

describe('the policy table', () => {
  it('gives an owner everything in a session but leaving it, whatever the site role', () => {
    for (const role of ['admin', 'member'] as const) {
      expect(sessionPermissionsOf(relationsTo({ userId: ada, role }, { ownerId: ada, role: null }))).toEqual(
        sessionPermissions.filter((permission) => permission !== 'session.leave'),
      );
    }
  });

  it('gives a stranger nothing', () => {
    expect(sessionPermissionsOf(relationsTo({ userId: bob, role: 'member' }, { ownerId: ada, role: null }))).toEqual(
      [],
    );
  });

  it('lets an admin see and end, but not read, another person’s session', () => {
    expect(sessionPermissionsOf(relationsTo({ userId: bob, role: 'admin' }, { ownerId: ada, role: null }))).toEqual([
      'session.inspect',
      'session.manage',
    ]);
  });

  it('lets a viewer read and an editor work, and neither end or share', () => {
    const permissionsOf = (role: MemberRole) =>
      sessionPermissionsOf(relationsTo({ userId: bob, role: 'member' }, { ownerId: ada, role }));
    expect(permissionsOf('viewer')).toEqual([
      'session.inspect',
      'session.leave',
      'session.chat.read',
      'session.files.read',
      'session.terminal.read',
    ]);
    expect(sessionPermissions.filter((permission) => !permissionsOf('editor').includes(permission))).toEqual([
      'session.manage',
      'session.share',
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

import { sessionPermissions, sitePermissions, type UserId } from '@remote-claude/contract';
import { describe, expect, it } from 'vitest';

import { maySite, relationTo, sessionPermissionsOf, sitePermissionsOf } from './policy.js';

const ada = '0f0e0d0c-0000-4000-8000-000000000001' as UserId;
const bob = '0f0e0d0c-0000-4000-8000-000000000002' as UserId;

describe('the policy table', () => {
  it('gives an owner everything in a session, whatever the site role', () => {
    for (const role of ['admin', 'member'] as const) {
      expect(sessionPermissionsOf(relationTo({ userId: ada, role }, { ownerId: ada }))).toEqual([
        ...sessionPermissions,
      ]);
    }
  });

  it('gives a stranger nothing', () => {
    expect(sessionPermissionsOf(relationTo({ userId: bob, role: 'member' }, { ownerId: ada }))).toEqual([]);
  });

  it('lets an admin see and end, but not read, another person’s session', () => {
    expect(sessionPermissionsOf(relationTo({ userId: bob, role: 'admin' }, { ownerId: ada }))).toEqual([
      'session.inspect',
      'session.manage',
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

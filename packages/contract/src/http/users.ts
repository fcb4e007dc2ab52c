/** People. Only admins see the list. */
import { z } from 'zod';

import { userId } from '../ids.js';
import { email, password, personName, siteRole, user } from '../model/user.js';
import { defineRoute } from './route.js';
import { pageOf, pageQuery } from './shared.js';

export const userRoutes = {
  list: defineRoute({
    id: 'users.list',
    method: 'GET',
    path: '/users',
    summary: 'All users, oldest first.',
    permission: 'users.read',
    query: pageQuery,
    responses: { 200: pageOf(user) },
    errors: ['unauthenticated', 'forbidden'],
  }),
  create: defineRoute({
    id: 'users.create',
    method: 'POST',
    path: '/users',
    summary: 'Add a user with a first password.',
    permission: 'users.write',
    body: z.strictObject({ email, name: personName, password, role: siteRole.default('member') }),
    responses: { 201: user },
    errors: ['unauthenticated', 'forbidden', 'already_exists'],
    audit: 'users.create',
  }),
  patch: defineRoute({
    id: 'users.patch',
    method: 'PATCH',
    path: '/users/:id',
    summary: 'Change name, role, password, or whether a user may sign in. The last admin stays one.',
    permission: 'users.write',
    params: z.object({ id: userId }),
    body: z.strictObject({
      name: personName.optional(),
      role: siteRole.optional(),
      password: password.optional(),
      disabled: z.boolean().optional(),
    }),
    responses: { 200: user },
    errors: ['unauthenticated', 'forbidden', 'not_found', 'conflict'],
    audit: 'users.patch',
  }),
} as const;

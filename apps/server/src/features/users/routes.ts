// Routes of people and of the first run.

import { routes } from '@remote-claude/contract';

import { handle, type BoundRoute, type Origins } from '../../platform/http/index.js';
import { setLoginCookie, userAgentOf } from '../auth/index.js';
import type { Users } from './service.js';

export const userRoutes = (users: Users, origins: Origins): BoundRoute[] => [
  handle(routes.auth.setup, async ({ body, ip, request, reply }) => {
    const { token, ...person } = body;
    const { user, signIn } = await users.setup(token, person, { ip, userAgent: userAgentOf(request) });
    setLoginCookie(reply, origins, signIn);
    return { status: 201, body: { user, expiresAt: signIn.expiresAt.toISOString() } };
  }),
  handle(routes.users.list, async ({ query }) => ({ status: 200, body: await users.list(query.cursor, query.limit) })),
  handle(routes.users.create, async ({ actor, body, ip, operationId }) => ({
    status: 201,
    body: await users.create(actor, { id: operationId, ...body }, ip),
  })),
  handle(routes.users.patch, async ({ actor, params, body, ip }) => ({
    status: 200,
    body: await users.patch(actor, params.id, body, ip),
  })),
];

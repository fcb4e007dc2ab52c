// Routes of signing in and out.

import { routes, type User } from '@remote-claude/contract';
import type { FastifyRequest } from 'fastify';

import { handle, type Access, type BoundRoute, type Origins } from '../../platform/http/index.js';
import { sitePermissionsOf } from '../access/index.js';
import { setLoginCookie } from './cookies.js';
import type { Auth } from './service.js';

export interface AuthRoutesDeps {
  auth: Auth;
  access: () => Access;
  origins: Origins;
  userById(id: string): Promise<User>;
}

export const authRoutes = ({ auth, access, origins, userById }: AuthRoutesDeps): BoundRoute[] => [
  handle(routes.auth.login, async ({ body, ip, request, reply }) => {
    const signIn = await auth.login(body.email, body.password, body.session, { ip, userAgent: userAgentOf(request) });
    const answer = { user: await userById(signIn.userId), expiresAt: signIn.expiresAt.toISOString() };
    if (body.session === 'token') return { status: 200, body: { ...answer, token: signIn.token } };
    setLoginCookie(reply, origins, signIn);
    return { status: 200, body: answer };
  }),
  handle(routes.auth.logout, async ({ actor, ip, reply }) => {
    await auth.logout(actor, ip);
    if (actor.kind === 'cookie') setLoginCookie(reply, origins, null);
    return { status: 200, body: { ok: true as const } };
  }),
  handle(routes.auth.currentUser, async ({ actor }) => ({
    status: 200,
    body: { user: await userById(actor.userId), permissions: sitePermissionsOf(actor.role) },
  })),
  handle(routes.auth.ticket, async ({ actor, body, ip }) => {
    await access().authorize(actor, 'session.chat.read', body.sessionId);
    const { ticket, expiresAt } = await auth.issueTicket(actor, body.sessionId, ip);
    return { status: 201, body: { ticket, expiresAt: expiresAt.toISOString() } };
  }),
];

export const userAgentOf = (request: FastifyRequest): string | null => request.headers['user-agent'] ?? null;

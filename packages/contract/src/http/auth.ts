/** Signing in and out, and the first run. */
import { z } from 'zod';

import { sessionId, timestamp } from '../ids.js';
import { sessionResources } from '../model/session.js';
import { email, password, personName, user } from '../model/user.js';
import { defineRoute } from './route.js';
import { done } from './shared.js';

export const about = z.object({
  name: z.string(),
  version: z.string(),
  /** No admin exists yet: the set-up link is needed. */
  setupNeeded: z.boolean(),
  /** What sessions run in; `none` must be shown on every page. */
  isolation: z.enum(['bubblewrap', 'container', 'pod', 'none']),
  /** Answers come from a script, which must be shown on every page. */
  demo: z.boolean(),
  /** There is a key for a model, or the demo answers: without either Claude cannot. */
  modelSet: z.boolean(),
  /** Models that may be chosen: families such as `sonnet`, or names; empty for any. */
  models: z.array(z.string()),
  /** What the place of a session gets that asks for nothing, and the most that one may ask for. */
  resources: z.object({ usual: sessionResources, most: sessionResources }),
  /** The image of a session that asks for none, and patterns of those that may be asked for; null where there are no images. */
  images: z.object({ usual: z.string(), allowed: z.array(z.string()) }).nullable(),
  /** Why no session can start here, each with what to do; empty where all is well. */
  problems: z.array(z.object({ what: z.string(), mend: z.string() })),
  warnings: z.array(z.string()),
});
export type About = z.infer<typeof about>;

const signedIn = z.object({
  user,
  /** Only when `session: token` was asked for. */
  token: z.string().optional(),
  expiresAt: timestamp,
});

export const authRoutes = {
  about: defineRoute({
    id: 'about',
    method: 'GET',
    path: '/about',
    summary: 'What this server is and whether it is set up.',
    permission: 'public',
    responses: { 200: about },
  }),
  setup: defineRoute({
    id: 'auth.setup',
    method: 'POST',
    path: '/auth/setup',
    summary: 'Make the first admin with the one-time token that the server printed, and sign in.',
    permission: 'public',
    body: z.strictObject({ token: z.string().min(1).max(200), email, name: personName, password }),
    responses: { 201: signedIn },
    errors: ['setup_token_wrong', 'setup_done'],
    audit: 'auth.setup',
  }),
  login: defineRoute({
    id: 'auth.login',
    method: 'POST',
    path: '/auth/login',
    summary: 'Sign in with e-mail address and password; a cookie, or a token where asked for.',
    permission: 'public',
    body: z.strictObject({
      email,
      password: z.string().min(1).max(256),
      session: z.enum(['cookie', 'token']).default('cookie'),
    }),
    responses: { 200: signedIn },
    errors: ['wrong_credentials'],
    audit: 'auth.login',
  }),
  logout: defineRoute({
    id: 'auth.logout',
    method: 'POST',
    path: '/auth/logout',
    summary: 'Sign out; open sockets of this sign-in close.',
    permission: 'signed-in',
    responses: { 200: done },
    errors: ['unauthenticated'],
    audit: 'auth.logout',
  }),
  currentUser: defineRoute({
    id: 'auth.user',
    method: 'GET',
    path: '/auth/user',
    summary: 'Who is signed in.',
    permission: 'signed-in',
    responses: { 200: z.object({ user, permissions: z.array(z.string()) }) },
    errors: ['unauthenticated'],
  }),
  ticket: defineRoute({
    id: 'auth.ticket',
    method: 'POST',
    path: '/auth/tickets',
    summary: 'A ticket for one socket of one session: single use, 30 s, sent as the sub-protocol `ticket.<value>`.',
    permission: 'signed-in',
    body: z.strictObject({ sessionId }),
    responses: { 201: z.object({ ticket: z.string(), expiresAt: timestamp }) },
    errors: ['unauthenticated', 'not_found'],
    audit: 'auth.ticket',
    // Its answer is a secret, which is not kept; another ticket does no harm.
    repeat: null,
  }),
} as const;

/** How a session's place is prepared: what it is made of, and its set-up script once more. */
import { z } from 'zod';

import { devContainer, usedDevContainer } from '../model/dev-container.js';
import { session } from '../model/session.js';
import { setupScript } from '../model/setup.js';
import { defineRoute } from './route.js';
import { sessionParams } from './shared.js';

const mine = ['unauthenticated', 'not_found'] as const;

export const preparation = z.object({
  /** Null for the site's own. */
  image: z.string().nullable(),
  /** Names of its own variables; nobody gets the values back but programs in the session. */
  env: z.array(z.string()),
  script: z.string().nullable(),
});
export type Preparation = z.infer<typeof preparation>;

export const setupRoutes = {
  get: defineRoute({
    id: 'setup.get',
    method: 'GET',
    path: '/sessions/:id/setup',
    summary: 'How the place of a session is prepared.',
    permission: 'session.execute',
    params: sessionParams,
    responses: { 200: preparation },
    errors: mine,
  }),
  devContainer: defineRoute({
    id: 'devContainer.get',
    method: 'GET',
    path: '/sessions/:id/dev-container',
    summary:
      'The dev container that the repository in the work tree brings, and what it would do. Nothing of it happens by itself.',
    permission: 'session.execute',
    params: sessionParams,
    responses: { 200: z.object({ found: devContainer.nullable(), used: usedDevContainer.nullable() }) },
    errors: [...mine, 'session_not_running', 'place_unreachable', 'payload_too_large', 'upstream_failed'],
  }),
  useDevContainer: defineRoute({
    id: 'devContainer.use',
    method: 'POST',
    path: '/sessions/:id/dev-container',
    summary:
      'Use the dev container that you looked at, named by its hash: the place is made anew with it on the same disk, and its postCreateCommand is run as the set-up script.',
    permission: 'session.execute',
    params: sessionParams,
    body: z.strictObject({ hash: devContainer.shape.hash }),
    responses: { 202: session },
    errors: [...mine, 'conflict', 'session_not_running', 'place_unreachable', 'payload_too_large', 'upstream_failed'],
    audit: 'devContainer.use',
  }),
  run: defineRoute({
    id: 'setup.run',
    method: 'POST',
    path: '/sessions/:id/setup',
    summary:
      'Run the set-up script again, or another one in its place. Prompts wait for its end; `setup.started`, `setup.output` and `setup.ended` follow.',
    permission: 'session.execute',
    params: sessionParams,
    body: z.strictObject({ script: setupScript.optional() }),
    responses: { 202: session },
    errors: [...mine, 'conflict', 'session_not_running'],
    audit: 'setup.run',
  }),
} as const;

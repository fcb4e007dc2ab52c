// The one route that says what this server is.

import { routes, type About } from '@remote-claude/contract';

import { handle, type BoundRoute } from '../../platform/http/index.js';

export const aboutRoutes = (about: () => Promise<About>): BoundRoute[] => [
  handle(routes.auth.about, async () => ({ status: 200, body: await about() })),
];

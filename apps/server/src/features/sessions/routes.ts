// Routes of sessions.

import { routes } from '@remote-claude/contract';

import { handle, type BoundRoute } from '../../platform/http/index.js';
import type { Sessions } from './service.js';

export const sessionsRoutes = (sessions: Sessions): BoundRoute[] => [
  handle(routes.sessions.list, async (call) => ({ status: 200, body: await sessions.list(call, call.query) })),
  handle(routes.sessions.create, async (call) => ({ status: 201, body: await sessions.create(call, call.body) })),
  handle(routes.sessions.get, async (call) => ({ status: 200, body: await sessions.get(call.params.id) })),
  handle(routes.sessions.patch, async (call) => ({
    status: 200,
    body: await sessions.rename(call.params.id, call, call.body.name),
  })),
  handle(routes.sessions.stop, async (call) => ({ status: 200, body: await sessions.stop(call.params.id, call) })),
  handle(routes.sessions.start, async (call) => ({ status: 200, body: await sessions.start(call.params.id, call) })),
  handle(routes.sessions.fork, async (call) => ({
    status: 201,
    body: await sessions.fork(call.params.id, call, call.body),
  })),
  handle(routes.sessions.remove, async (call) => ({
    status: 200,
    body: await sessions.terminate(call.params.id, call),
  })),
];

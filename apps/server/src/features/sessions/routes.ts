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
    body: await sessions.setup.change(call.params.id, call, call.body),
  })),
  handle(routes.setup.get, async ({ params }) => ({ status: 200, body: await sessions.setup.get(params.id) })),
  handle(routes.setup.devContainer, async ({ params }) => ({
    status: 200,
    body: await sessions.review.look(params.id),
  })),
  handle(routes.setup.useDevContainer, async (call) => ({
    status: 202,
    body: await sessions.review.use(call.params.id, call, call.body.hash),
  })),
  handle(routes.sessions.restart, async (call) => ({
    status: 202,
    body: await sessions.review.restart(call.params.id, call),
  })),
  handle(routes.setup.run, async (call) => ({
    status: 202,
    body: await sessions.setup.run(call.params.id, call, call.body.script),
  })),
  handle(routes.sessions.stop, async (call) => ({ status: 200, body: await sessions.stop(call.params.id, call) })),
  handle(routes.sessions.start, async (call) => ({
    status: 200,
    body: await sessions.start(call.params.id, call, call.query.disk),
  })),
  handle(routes.sessions.fork, async (call) => ({
    status: 201,
    body: await sessions.fork(call.params.id, call, call.body),
  })),
  handle(routes.sessions.remove, async (call) => ({
    status: 200,
    body: await sessions.terminate(call.params.id, call),
  })),
];

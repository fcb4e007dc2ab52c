// Routes of tasks.

import { routes } from '@remote-claude/contract';

import { handle, type BoundRoute } from '../../platform/http/index.js';
import type { Tasks } from './service.js';

export const taskRoutes = (tasks: Tasks): BoundRoute[] => [
  handle(routes.tasks.createInSession, async (call) => ({
    status: 201,
    body: await tasks.create(call, call.params.id, call.body),
  })),
  handle(routes.tasks.create, async (call) => ({
    status: 201,
    body: await tasks.create(call, call.body.sessionId, call.body),
  })),
  handle(routes.tasks.list, async (call) => ({ status: 200, body: await tasks.list(call, call.query) })),
  handle(routes.tasks.get, async (call) => ({ status: 200, body: await tasks.get(call, call.params.taskId) })),
  handle(routes.tasks.patch, async (call) => ({
    status: 200,
    body: await tasks.patch(call, call.params.taskId, call.body),
  })),
  handle(routes.tasks.remove, async (call) => ({ status: 200, body: await tasks.remove(call, call.params.taskId) })),
];

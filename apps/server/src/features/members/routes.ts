// Routes of sharing.

import { routes } from '@remote-claude/contract';

import { handle, type BoundRoute } from '../../platform/http/index.js';
import type { Members } from './service.js';

export const membersRoutes = (members: Members): BoundRoute[] => [
  handle(routes.members.list, async (call) => ({ status: 200, body: await members.list(call, call.params.id) })),
  handle(routes.members.add, async (call) => ({
    status: 201,
    body: await members.add(call, call.params.id, call.body),
  })),
  handle(routes.members.put, async (call) => ({
    status: 200,
    body: await members.put(call, call.params, call.body.role),
  })),
  handle(routes.members.remove, async (call) => {
    await members.remove(call, call.params);
    return { status: 200, body: { ok: true } } as const;
  }),
  handle(routes.members.leave, async (call) => {
    await members.leave(call, call.params.id);
    return { status: 200, body: { ok: true } } as const;
  }),
];

// Routes of projects.

import { routes } from '@remote-claude/contract';

import { handle, type BoundRoute } from '../../platform/http/index.js';
import type { ApprovalRules } from '../claude/index.js';
import type { Projects } from './service.js';

export const projectRoutes = (projects: Projects, rules: Pick<ApprovalRules, 'ofProject'>): BoundRoute[] => [
  handle(routes.projects.list, async (call) => ({ status: 200, body: await projects.list(call) })),
  handle(routes.projects.create, async (call) => ({ status: 201, body: await projects.create(call, call.body) })),
  handle(routes.projects.get, async (call) => ({ status: 200, body: await projects.get(call, call.params.id) })),
  handle(routes.projects.patch, async (call) => ({
    status: 200,
    body: await projects.patch(call, call.params.id, call.body),
  })),
  handle(routes.projects.remove, async (call) => ({ status: 200, body: await projects.archive(call, call.params.id) })),
  handle(routes.projects.members, async (call) => ({
    status: 200,
    body: await projects.members(call, call.params.id),
  })),
  handle(routes.projects.addMember, async (call) => ({
    status: 201,
    body: await projects.addMember(call, call.params.id, call.body),
  })),
  handle(routes.projects.putMember, async (call) => ({
    status: 200,
    body: await projects.putMember(call, call.params, call.body.role),
  })),
  handle(routes.projects.removeMember, async (call) => {
    await projects.removeMember(call, call.params);
    return { status: 200, body: { ok: true } } as const;
  }),
  handle(routes.projects.rules, async (call) => ({ status: 200, body: await rules.ofProject(call.params.id) })),
  handle(routes.projects.leave, async (call) => {
    await projects.leave(call, call.params.id);
    return { status: 200, body: { ok: true } } as const;
  }),
];

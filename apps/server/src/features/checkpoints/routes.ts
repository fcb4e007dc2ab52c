// Routes of checkpoints and of rewinds.

import { AppError, rewindTarget, routes, type RewindTarget } from '@remote-claude/contract';

import { handle, type Actor, type BoundRoute } from '../../platform/http/index.js';
import type { Checkpoints, RewindAct } from './service.js';

interface Acting {
  actor: Actor;
  params: { id: string };
  ip: string;
  body: { id?: RewindAct['id'] };
}
const actOf = ({ actor, params, ip, body }: Acting): RewindAct => ({
  actor,
  sessionId: params.id,
  ip,
  id: body.id,
});

/** Exactly one of the three. */
const targetOf = (query: Record<string, unknown>): RewindTarget => {
  const parsed = rewindTarget.safeParse(
    Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined)),
  );
  if (parsed.success) return parsed.data;
  throw new AppError('validation_failed', {
    message: 'Name one place to go back to: messageId, checkpointId or rewindId.',
    fields: ['messageId'],
  });
};

export const checkpointRoutes = (checkpoints: Checkpoints): BoundRoute[] => [
  handle(routes.checkpoints.list, async ({ params }) => ({
    status: 200,
    body: { items: await checkpoints.list(params.id), nextCursor: null },
  })),
  handle(routes.checkpoints.take, async (call) => ({ status: 202, body: await checkpoints.take(actOf(call)) })),
  handle(routes.checkpoints.preview, async ({ params, query }) => ({
    status: 200,
    body: await checkpoints.preview(params.id, targetOf(query)),
  })),
  handle(routes.checkpoints.diff, async ({ params, query }) => ({
    status: 200,
    body: await checkpoints.diff(params.id, query),
  })),
  handle(routes.checkpoints.rewind, async (call) => ({
    status: 202,
    body: await checkpoints.rewind(actOf(call), { target: call.body.target, what: call.body.what }),
  })),
];

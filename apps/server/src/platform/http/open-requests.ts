// A request in a session goes on for as long as its person may do it: when they may not it is ended in the middle, whatever
// its handler waits for, which takes them for a caller that hung up. It knows no rule.

import { AppError, type SessionPermission } from '@remote-claude/contract';
import { Socket } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';

import type { Log } from '../log.js';
import { rawAnswer } from './errors.js';
import type { Standing } from './standing.js';
import type { Access, Actor } from './types.js';

export interface OpenRequestsDeps {
  standing: Pick<Standing, 'isOver' | 'add'>;
  access: Pick<Access, 'authorize'>;
  log: Log;
}

interface Visit {
  request: FastifyRequest;
  reply: FastifyReply;
}

/** To be called before its person's permission is looked at, so that no change falls in between. Returns what ends it. */
export const watchRights = (
  { standing, access, log }: OpenRequestsDeps,
  visit: Visit,
  { actor, permission, sessionId }: { actor: Actor; permission: SessionPermission; sessionId: string },
): (() => void) => {
  if (standing.isOver(actor.loginId)) throw new AppError('unauthenticated');
  // Who leaves may not once it is done, and is to have the answer.
  if (permission === 'session.leave') return () => {};
  const refuse = (thrown: unknown): void => end(visit, (requestId) => rawAnswer(thrown, requestId, log));
  return standing.add({
    actor,
    sessionId,
    onRevoked: () => refuse(new AppError('unauthenticated')),
    onChanged: () => void access.authorize(actor, permission, sessionId).catch(refuse),
  });
};

const end = ({ request, reply }: Visit, answerTo: (requestId: string) => string): void => {
  const { socket } = request.raw;
  // Its connection may be another's by now.
  if (reply.raw.destroyed || reply.raw.writableFinished) return;
  // Not waited for, since more of a body would come meanwhile: who still sends may learn only that the connection is gone.
  if (socket instanceof Socket && reply.raw.socket === socket && !reply.raw.headersSent && socket.writable)
    socket.write(answerTo(request.id));
  request.raw.destroy();
  reply.raw.destroy();
  socket.destroy();
};

// Routes of the chat, of approvals, and of Claude's settings.

import { routes, type CommandId } from '@remote-claude/contract';
import type { FastifyReply } from 'fastify';

import { answered, contentPolicy, handle, type Actor, type BoundRoute } from '../../platform/http/index.js';
import type { ApprovalRules } from './rules.js';
import type { Claude, ClaudeAct } from './service.js';

interface ClaudeCall {
  actor: Actor;
  params: { id: string };
  ip: string;
  operationId: string;
}

const actOf = ({ actor, params, ip, operationId }: ClaudeCall): ClaudeAct => ({
  actor,
  sessionId: params.id,
  ip,
  id: operationId as CommandId,
});

/** Aborted when the caller goes before the answer. */
const goneSignal = (reply: FastifyReply): AbortSignal => {
  const controller = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) controller.abort();
  });
  return controller.signal;
};

export const claudeRoutes = (claude: Claude, rules: ApprovalRules): BoundRoute[] => [
  handle(routes.claude.rules, async (call) => ({ status: 200, body: await rules.list(call) })),
  handle(routes.claude.revokeRule, async (call) => ({
    status: 200,
    body: await rules.revoke(call, call.params.ruleId),
  })),
  handle(routes.claude.chat, async (call) => {
    const act = actOf(call);
    const { id = act.id, message, wait } = call.body;
    const gone = goneSignal(call.reply);
    const { messageId } = await claude.send({ ...act, id }, message);
    if (!wait) return { status: 202, body: { messageId } };
    return { status: 200, body: await claude.wait(call.params.id, messageId, gone) };
  }),
  handle(routes.claude.history, async ({ params, query }) => ({
    status: 200,
    body: await claude.history(params.id, query),
  })),
  handle(routes.claude.blob, async ({ params, request, reply }) => {
    await sendBlob(reply, await claude.blob(params.id, params.hash), params.hash, request.headers['if-none-match']);
    return answered;
  }),
  handle(routes.claude.interrupt, async (call) => ({
    status: 202,
    body: await claude.interrupt(actOf(call), call.body),
  })),
  handle(routes.claude.configure, async (call) => ({
    status: 202,
    body: await claude.configure(actOf(call), call.body),
  })),
  handle(routes.claude.approvals, async ({ params }) => ({ status: 200, body: await claude.approvals(params.id) })),
  handle(routes.claude.answer, async (call) => ({
    status: 200,
    body: await claude.answer(actOf(call), call.params.approvalId, call.body),
  })),
  handle(routes.claude.allApprovals, async (call) => ({
    status: 200,
    body: await claude.allApprovals(call, call.query),
  })),
];

/** Text of a session is never part of our page. A hash names the same bytes for ever, so nobody need ask again. */
const sendBlob = async (reply: FastifyReply, bytes: Buffer, hash: string, known: string | undefined): Promise<void> => {
  const isKnown = (known ?? '').split(',').some((tag) => ['*', `"${hash}"`, `W/"${hash}"`].includes(tag.trim()));
  reply.headers({
    etag: `"${hash}"`,
    // Another sign-in of the same browser asks anew.
    vary: 'cookie, authorization',
    'cache-control': 'private, max-age=31536000, immutable',
    'content-security-policy': contentPolicy,
  });
  if (isKnown) await reply.code(304).send();
  else await reply.code(200).type('text/plain; charset=utf-8').send(bytes);
};

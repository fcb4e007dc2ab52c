// Routes of files, uploads and of running one command.

import { AppError, routes, tusProtocol } from '@remote-claude/contract';
import type { FastifyReply } from 'fastify';

import { answered, contentPolicy, handle, under, type BoundRoute, type Call } from '../../platform/http/index.js';
import type { AgentResponse } from '../relay/index.js';
import { attachmentOf, mediaTypeOf } from './media-types.js';
import type { FileAct, Files } from './service.js';

const actOf = ({ actor, params, ip }: { actor: FileAct['actor']; params: { id: string }; ip: string }): FileAct => ({
  actor,
  sessionId: params.id,
  ip,
});

/** Ends the work in the session when its caller goes. */
const signalOf = (reply: FastifyReply): AbortSignal => {
  const controller = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) controller.abort();
  });
  return controller.signal;
};

const tusHeaders = ['upload-offset', 'upload-length', 'upload-expires', 'tus-resumable', 'etag'];

/** `basePath` is in the Location of a new upload, which names this server's address and not the agent's. */
export const fileRoutes = (files: Files, basePath: string): BoundRoute[] => {
  const tus = async (
    call: Pick<Call<typeof routes.files.uploadCreate>, 'actor' | 'ip' | 'request' | 'reply'> & {
      params: { id: string; uploadId?: string };
    },
  ): Promise<typeof answered> => {
    const { request, reply, params } = call;
    const answer = await files.upload(actOf(call), {
      method: request.method,
      uploadId: params.uploadId ?? null,
      headers: request.headers,
      body: request.raw,
    });
    for (const name of tusHeaders) if (answer.headers[name] !== undefined) reply.header(name, answer.headers[name]);
    const made = answer.headers.location?.split('/').at(-1);
    if (made !== undefined) reply.header('location', under(basePath, `/api/sessions/${params.id}/uploads/${made}`));
    reply.header('cache-control', 'no-store').code(answer.status);
    answer.body.resume();
    await reply.send();
    return answered;
  };

  return [
    handle(routes.files.list, async ({ params, query }) => ({
      status: 200,
      body: { items: await files.list(params.id, query.path), nextCursor: null },
    })),
    handle(routes.files.get, async ({ params, query, request, reply }) => {
      const path = params['*'];
      const answer = await files.read(params.id, path, request.headers, signalOf(reply));
      await sendContent(reply, answer, path, query.download === '1');
      return answered;
    }),
    handle(routes.files.put, async (call) => {
      const { created, node } = await files.write(
        actOf(call),
        call.params['*'],
        call.request.headers,
        call.request.raw,
      );
      return { status: created ? 201 : 200, body: node };
    }),
    handle(routes.files.remove, async (call) => {
      await files.remove(actOf(call), call.params['*'], call.query.recursive === '1');
      return { status: 200, body: { ok: true as const } };
    }),
    handle(routes.files.mkdir, async (call) => ({ status: 201, body: await files.mkdir(actOf(call), call.body.path) })),
    handle(routes.files.move, async (call) => ({
      status: 200,
      body: await files.move(actOf(call), call.body.path, call.body.to),
    })),
    handle(routes.files.uploadOptions, async ({ reply }) => {
      reply.headers({
        'tus-resumable': tusProtocol.version,
        'tus-version': tusProtocol.version,
        'tus-extension': tusProtocol.extensions,
        'tus-max-size': files.maxUploadBytes,
      });
      return { status: 204, body: null as never };
    }),
    handle(routes.files.uploadCreate, tus),
    handle(routes.files.uploadStatus, tus),
    handle(routes.files.uploadAppend, tus),
    handle(routes.files.uploadCancel, tus),
    handle(routes.sessions.execute, async (call) => ({
      status: 200,
      body: await files.execute(actOf(call), call.body, signalOf(call.reply)),
    })),
  ];
};

/** Content of a session is never part of our page: it comes sandboxed, unsniffed, and as what its name says. */
const sendContent = async (
  reply: FastifyReply,
  answer: AgentResponse,
  path: string,
  download: boolean,
): Promise<void> => {
  // Any other status is not one of ours, whatever the code in the session says.
  if (![200, 206, 304].includes(answer.status)) {
    answer.body.destroy();
    throw new AppError('upstream_failed');
  }
  for (const name of ['etag', 'content-range', 'accept-ranges', 'content-length', 'last-modified']) {
    const value = answer.headers[name];
    if (value !== undefined) reply.header(name, value);
  }
  reply.headers({
    'content-type': mediaTypeOf(path),
    'content-security-policy': contentPolicy,
    'cache-control': 'private, no-cache',
    ...(download ? { 'content-disposition': attachmentOf(path) } : {}),
  });
  await reply.code(answer.status).send(answer.body);
};

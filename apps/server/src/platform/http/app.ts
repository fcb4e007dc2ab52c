// The HTTP server that serves bound routes: validation, access, stripping, errors. It knows no feature.

import { AppError, isSessionPermission, type Route } from '@remote-claude/contract';
import fastifyCookie from '@fastify/cookie';
import { randomUUID } from 'node:crypto';
import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { z } from 'zod';

import type { Log } from '../log.js';
import { errorAnswer } from './errors.js';
import { keyOf, type Idempotency, type SentAnswer } from './idempotency.js';
import { checkSameOrigin, type Origins } from './origins.js';
import { answerPolicy, securityHeaders } from './security-headers.js';
import { answered, type Access, type BoundRoute } from './types.js';

export interface HttpAppDeps {
  access: Access;
  origins: Origins;
  idempotency: Pick<Idempotency, 'once'>;
  log: Log;
  /** Path under which everything lies, `/` or `/some/path`. */
  basePath: string;
  /** Bytes of a JSON body. */
  maxBodyBytes: number;
  /** Proxies whose X-Forwarded-For is believed: addresses or ranges; empty for none. */
  trustedProxies: readonly string[];
  routes: readonly BoundRoute[];
}

const unsafe = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);

/** Where something lies under the base path. */
export const under = (basePath: string, path: string): string => (basePath === '/' ? path : basePath + path);

export const createHttpApp = async (deps: HttpAppDeps): Promise<FastifyInstance> => {
  const app = fastify({
    logger: false,
    bodyLimit: deps.maxBodyBytes,
    // Requests under way are given time first: see closing.ts.
    forceCloseConnections: 'idle',
    requestTimeout: 0,
    trustProxy: deps.trustedProxies.length > 0 ? [...deps.trustedProxies] : false,
    genReqId: () => crypto.randomUUID(),
    routerOptions: { maxParamLength: 5_000 },
  });
  await app.register(fastifyCookie);
  // A form of a foreign page can send text/plain without asking; JSON alone makes its browser ask first.
  app.removeContentTypeParser('text/plain');

  app.addHook('onRequest', async (request, reply) => {
    reply.headers({ ...securityHeaders, 'content-security-policy': answerPolicy, 'x-request-id': request.id });
    if (!isHealth(request, deps.basePath)) deps.origins.checkHost(request.headers.host);
    if (unsafe.has(request.method)) checkSameOrigin(deps.origins, request.headers);
  });
  app.addHook('onResponse', async (request, reply) => {
    // What is left of a refused upload is read and dropped: the next request waits behind it on the same connection.
    if (!request.raw.readableEnded) request.raw.unpipe().resume();
    deps.log.debug(
      {
        requestId: request.id,
        method: request.method,
        path: request.routeOptions.url,
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime),
      },
      'request',
    );
  });
  app.setErrorHandler(async (error, request, reply) => {
    const { status, body } = errorAnswer(error, request.id, deps.log);
    const retryMs = body.error.details?.['retryAfterMs'];
    if (typeof retryMs === 'number') reply.header('retry-after', Math.ceil(retryMs / 1000));
    else if (status === 503) reply.header('retry-after', 1);
    await reply.code(status).send(body);
  });
  app.setNotFoundHandler(async () => {
    throw new AppError('not_found');
  });

  const api = under(deps.basePath, '/api');
  const json = deps.routes.filter(({ route }) => route.kind === 'json' || route.kind === 'stream');
  const uploads = deps.routes.filter(({ route }) => route.kind === 'upload');
  for (const bound of json) addRoute(app, api, bound, deps);
  await app.register(async (scope) => {
    // Bytes of an upload are streamed on by the handler, whatever they say they are.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, _payload, done) => done(null));
    for (const bound of uploads) addRoute(scope, api, bound, deps);
  });
  return app;
};

const isHealth = (request: FastifyRequest, basePath: string): boolean =>
  request.url === under(basePath, '/healthz') || request.url === under(basePath, '/readyz');

const addRoute = (app: FastifyInstance, api: string, { route, handler }: BoundRoute, deps: HttpAppDeps): void => {
  app.route({
    method: route.method,
    url: api + route.path,
    exposeHeadRoute: false,
    ...(route.kind === 'upload' ? { bodyLimit: Number.MAX_SAFE_INTEGER } : {}),
    handler: async (request, reply) => {
      // A bad session id is a session that is not there, also for whoever is not signed in.
      const actor = await deps.access.authenticate({ headers: request.headers, reply });
      if (route.permission !== 'public' && actor === null) throw new AppError('unauthenticated');
      const params = parse(
        route.params,
        request.params,
        route.params !== undefined && 'id' in route.params.shape ? 'not_found' : null,
      );
      const sessionId = isSessionPermission(route.permission) ? String((params as { id?: unknown }).id) : null;
      await deps.access.authorize(actor, route.permission, sessionId);
      const query = parse(route.query, request.query, null);
      // No body at all is an empty one; the JSON `null` is what it is.
      const body = parse(route.body, request.body === undefined ? {} : request.body, null);
      const act = (operationId: string) =>
        handler({
          actor,
          params,
          query,
          body,
          operationId,
          requestId: request.id,
          ip: request.ip,
          request,
          reply,
        } as never);
      const key = actor === null ? null : keyOf(route, request.headers);
      if (actor === null || key === null) {
        const answer = await act(randomUUID());
        return answer === answered ? reply : send(reply, shownAnswer(route, answer));
      }
      const { answer, repeated } = await deps.idempotency.once(
        { route, userId: actor.userId, key, content: { params, query, body } },
        async (operationId) => shownAnswer(route, await act(operationId)),
      );
      if (repeated) reply.header('idempotency-replayed', 'true');
      return send(reply, answer);
    },
  });
};

/** `idError` answers for an `id` of the wrong form; other fields are said by name. */
const parse = (schema: z.ZodType | undefined, value: unknown, idError: 'not_found' | null): unknown => {
  if (schema === undefined) return undefined;
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  if (idError !== null && parsed.error.issues.some((issue) => issue.path[0] === 'id')) throw new AppError(idError);
  throw parsed.error;
};

/** What leaves the server of an answer: no more than its route names. */
const shownAnswer = (route: Route, answer: SentAnswer | typeof answered): SentAnswer => {
  if (answer === answered) throw new Error(`${route.id} takes a key, so its answer must be JSON`);
  const schema = route.responses[answer.status];
  if (schema === undefined) throw new Error(`${route.id} answered ${answer.status}, which its route does not name`);
  if (schema === null) return { status: answer.status, body: null };
  const shown = schema.safeParse(answer.body);
  // A wrong answer is the server's mistake, never the caller's.
  if (!shown.success) throw new Error(`${route.id} answered what its route does not allow: ${shown.error.message}`);
  return { status: answer.status, body: shown.data };
};

const send = (reply: FastifyReply, { status, body }: SentAnswer): FastifyReply => {
  reply.code(status).header('cache-control', 'no-store');
  return body === null ? reply.send() : reply.send(body);
};

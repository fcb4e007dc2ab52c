// The HTTP server that serves bound routes: validation, access, stripping, errors. It knows no feature.

import { AppError, isProjectPermission, isSessionPermission, rootRoutes, type Route } from '@remote-claude/contract';
import fastifyCookie from '@fastify/cookie';
import { randomUUID } from 'node:crypto';
import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { z } from 'zod';

import type { Clock } from '../clock.js';
import type { Log } from '../log.js';
import type { LogContext, LogFields } from '../log-context.js';
import type { HttpMetrics } from '../metrics/index.js';
import { createCeilings, createStay, type Ceilings, type RequestCeilings, type Stay } from './ceilings.js';
import type { AddressOf, Trust } from './client-address.js';
import { errorAnswer } from './errors.js';
import { keyOf, type Idempotency, type SentAnswer } from './idempotency.js';
import { watchRights } from './open-requests.js';
import { checkSameOrigin, type Origins } from './origins.js';
import { requestIdOf } from './request-id.js';
import { answerPolicy, securityHeaders } from './security-headers.js';
import { createSlowBodies, type BodyTiming, type SlowBodies } from './slow-bodies.js';
import type { Standing } from './standing.js';
import { answered, type Access, type Actor, type BoundRoute } from './types.js';

export interface HttpAppDeps {
  access: Access;
  standing: Pick<Standing, 'isOver' | 'add'>;
  origins: Origins;
  idempotency: Pick<Idempotency, 'once'>;
  log: Log;
  /** Path under which everything lies, `/` or `/some/path`. */
  basePath: string;
  /** Bytes of a JSON body. */
  maxBodyBytes: number;
  addressOf: AddressOf;
  /** Proxies whose word is taken, about a request's id too. */
  isTrusted: Trust;
  routes: readonly BoundRoute[];
  clock: Clock;
  bodyTiming?: BodyTiming;
  ceilings?: RequestCeilings;
  /** Nobody counts where it is left out. */
  metrics?: HttpMetrics;
  /** What is written on behalf of a request says so. */
  logContext?: LogContext;
}

const bodyTimes: BodyTiming = { headersMs: 15_000, idleMs: 30_000, smallMs: 60_000 };
/** A chat that waits for its answer is open for as long as the turn takes. */
const requestCeilings: RequestCeilings = {
  maxOpen: 2_000,
  maxOpenEach: 200,
  // A dropped folder is a few requests for each of its files.
  each: { perSecond: 500, burst: 5_000 },
};
const maxConnections = 10_000;
/** Of who is not signed in. */
const maxPublicBodyBytes = 16 * 1024;
/**
 * What is read of a body that is refused, so that its sender gets to read why. Who is behind a forwarded request is known elsewhere,
 * and there it was not read either.
 */
const maxDropped = { signedIn: 64 * 1024 * 1024, nobody: 256 * 1024 };

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Another process of this site looks at who asks, and answers: nothing is checked or added here. */
    isForwarded?: true;
  }
}

const unsafe = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);

/** What is asked by machines, under whatever name they know this one. */
const openPaths = Object.values(rootRoutes).map(({ path }) => path);

/** Where something lies under the base path. */
export const under = (basePath: string, path: string): string => (basePath === '/' ? path : basePath + path);

export const createHttpApp = async (deps: HttpAppDeps): Promise<FastifyInstance> => {
  const timing = deps.bodyTiming ?? bodyTimes;
  const app = fastify({
    logger: false,
    bodyLimit: deps.maxBodyBytes,
    // Requests under way are given time first: see closing.ts.
    forceCloseConnections: 'idle',
    // A request may take long; what must not is said below.
    requestTimeout: 0,
    http: { headersTimeout: timing.headersMs, connectionsCheckingInterval: timing.headersMs / 3 },
    genReqId: (request) => requestIdOf(request, deps.isTrusted),
    routerOptions: { maxParamLength: 5_000 },
  });
  app.server.maxConnections = maxConnections;
  const slowBodies = createSlowBodies(timing);
  app.addHook('onClose', async () => slowBodies.close());
  const api = under(deps.basePath, '/api');
  const door: Door = {
    deps,
    slowBodies,
    ceilings: createCeilings(deps.clock, deps.ceilings ?? requestCeilings),
    entries: new WeakMap(),
  };
  await app.register(fastifyCookie);
  // A form of a foreign page can send text/plain without asking; JSON alone makes its browser ask first.
  app.removeContentTypeParser('text/plain');

  app.addHook('onRequest', async (request, reply) => {
    reply.headers({ ...securityHeaders, 'content-security-policy': answerPolicy, 'x-request-id': request.id });
    if (request.routeOptions.config.isForwarded) return;
    if (!isOpenToMachines(request, deps.basePath)) deps.origins.checkHost(request.headers.host);
    if (unsafe.has(request.method)) checkSameOrigin(deps.origins, request.headers);
  });
  app.addHook('onResponse', async (request, reply) => {
    // What is left of a refused upload is dropped: the next request waits behind it on the same connection.
    if (!request.raw.readableEnded)
      slowBodies.drop(request.raw, door.entries.has(request) ? maxDropped.signedIn : maxDropped.nobody);
    deps.metrics?.answered({
      route: request.routeOptions.url,
      method: request.method,
      status: reply.statusCode,
      durationMs: reply.elapsedTime,
    });
    // Pages, and what machines ask all the time, are nobody's act; what is forwarded is said where it is answered.
    const isQuiet = !(request.routeOptions.url ?? '/api').startsWith(api) || request.routeOptions.config.isForwarded;
    deps.log[isQuiet ? 'debug' : 'info'](
      {
        ...fieldsOf(request),
        method: request.method,
        route: request.routeOptions.url,
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime),
        userId: door.entries.get(request)?.actor?.userId,
      },
      'request',
    );
  });
  app.setErrorHandler(async (error, request, reply) => {
    const { status, body } = errorAnswer(error, request.id, deps.log);
    deps.metrics?.refused(body.error.code, 'http');
    const retryMs = body.error.details?.['retryAfterMs'];
    if (typeof retryMs === 'number') reply.header('retry-after', Math.ceil(retryMs / 1000));
    else if (status === 503) reply.header('retry-after', 1);
    await reply.code(status).send(body);
  });
  const notFound = async (): Promise<never> => {
    throw new AppError('not_found');
  };
  // Before anything of a body is read: nobody was looked at.
  app.addHook('onRequest', async (request) => {
    if (request.is404) await notFound();
  });
  app.setNotFoundHandler(notFound);

  const json = deps.routes.filter(({ route }) => route.kind === 'json' || route.kind === 'stream');
  const uploads = deps.routes.filter(({ route }) => route.kind === 'upload');
  for (const bound of json) addRoute(app, api, bound, door);
  await app.register(async (scope) => {
    // Bytes of an upload are streamed on by the handler, whatever they say they are.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, _payload, done) => done(null));
    for (const bound of uploads) addRoute(scope, api, bound, door);
  });
  return app;
};

const sessionIdForm = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;

/** What each line says that is written on behalf of a request. */
const fieldsOf = ({ id, params, routeOptions }: FastifyRequest): LogFields => {
  const named = (params as { id?: unknown } | undefined)?.id;
  const isSession = routeOptions.url?.includes('/sessions/:id') === true && sessionIdForm.test(String(named));
  return isSession ? { requestId: id, sessionId: String(named) } : { requestId: id };
};

const isOpenToMachines = (request: FastifyRequest, basePath: string): boolean =>
  openPaths.some((path) => request.url === under(basePath, path));

/** What every route has before it. */
interface Door {
  deps: HttpAppDeps;
  slowBodies: SlowBodies;
  ceilings: Ceilings;
  /** Of requests that may go on. */
  entries: WeakMap<FastifyRequest, { actor: Actor | null; params: unknown; stay: Stay }>;
}

/** Before anything of a body is read: who asks, and whether they may. */
const enter = (door: Door, route: Route, request: FastifyRequest, reply: FastifyReply): Promise<void> => {
  const stay = createStay();
  stay.add(door.ceilings.enter());
  reply.raw.once('close', stay.end);
  return stay.during(() => look(door, route, { request, reply, stay }));
};

interface Visit {
  request: FastifyRequest;
  reply: FastifyReply;
  stay: Stay;
}

const look = async (door: Door, route: Route, { request, reply, stay }: Visit): Promise<void> => {
  const { deps, ceilings } = door;
  const actor = await deps.access.authenticate({ headers: request.headers, reply });
  if (route.permission !== 'public' && actor === null) throw new AppError('unauthenticated');
  if (actor !== null) stay.add(ceilings.enterAs(actor.userId));
  // A bad session id is a session that is not there, also for whoever is not signed in.
  const params = parse(
    route.params,
    request.params,
    route.params !== undefined && 'id' in route.params.shape ? 'not_found' : null,
  );
  const { permission } = route;
  const isInSession = isSessionPermission(permission);
  const aboutId = isInSession || isProjectPermission(permission) ? String((params as { id?: unknown }).id) : null;
  if (actor !== null && aboutId !== null && isInSession)
    stay.add(watchRights(deps, { request, reply }, { actor, permission, sessionId: aboutId }));
  await deps.access.authorize(actor, permission, aboutId);
  door.entries.set(request, { actor, params, stay });
  door.slowBodies.watch(request.raw, route.kind === 'upload' ? 'large' : 'small');
};

const bodyLimitOf = (route: Route): { bodyLimit?: number } => {
  if (route.kind === 'upload') return { bodyLimit: Number.MAX_SAFE_INTEGER };
  return route.permission === 'public' ? { bodyLimit: maxPublicBodyBytes } : {};
};

const addRoute = (app: FastifyInstance, api: string, bound: BoundRoute, door: Door): void => {
  const { route } = bound;
  const { logContext } = door.deps;
  const speaking = <T>(request: FastifyRequest, work: () => T): T =>
    logContext === undefined ? work() : logContext.run(fieldsOf(request), work);
  app.route({
    method: route.method,
    url: api + route.path,
    exposeHeadRoute: false,
    ...bodyLimitOf(route),
    onRequest: (request, reply) => speaking(request, () => enter(door, route, request, reply)),
    handler: (request, reply) => speaking(request, () => serve(door, bound, request, reply)),
  });
};

const serve = async (
  door: Door,
  { route, handler }: BoundRoute,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> => {
  const entry = door.entries.get(request);
  if (entry === undefined) throw new Error(`${route.id} was reached without a look at who asks`);
  const { actor, params, stay } = entry;
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
      ip: door.deps.addressOf(request.raw),
      request,
      reply,
    } as never);
  const key = actor === null ? null : keyOf(route, request.headers);
  if (actor === null || key === null) {
    const answer = await stay.during(() => act(randomUUID()));
    return answer === answered ? reply : send(reply, shownAnswer(route, answer));
  }
  const { answer, repeated } = await stay.during(() =>
    door.deps.idempotency.once(
      { route, userId: actor.userId, key, content: { params, query, body } },
      async (operationId) => shownAnswer(route, await act(operationId)),
    ),
  );
  if (repeated) reply.header('idempotency-replayed', 'true');
  return send(reply, answer);
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

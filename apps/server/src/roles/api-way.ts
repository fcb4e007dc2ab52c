// The way from the web to an api in another process: what browsers send to `/api` and `/socket.io` goes on to it, so that page
// and API are one origin. The api looks at who asks and from which page; nothing else of it is reached from here.

import { AppError } from '@remote-claude/contract';
import type { FastifyInstance, HTTPMethods } from 'fastify';

import { acceptTunnels, ask, createTarget, give } from '../platform/forward/index.js';
import { under, type Trust } from '../platform/http/index.js';
import type { Base } from './base.js';

export interface ApiWayDeps {
  base: Base;
  app: FastifyInstance;
  apiUrl: string;
  isTrusted: Trust;
}

export interface ApiWay {
  answers(): Promise<boolean>;
  /** Browsers' sockets are told to come back a little later. */
  drain(): void;
}

const methods: HTTPMethods[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];
const healthMs = 2_000;

/** Whether an address leads up and out of where it lies, to who reads it once more. */
const climbs = (path: string): boolean => {
  try {
    return decodeURIComponent(path).split(/[/\\]/).includes('..');
  } catch {
    return true;
  }
};

const isBelow = (basePath: string): ((url: string) => boolean) => {
  const places = ['/api/', '/socket.io/'].map((place) => under(basePath, place));
  return (url) => {
    const [path = ''] = url.split('?');
    return places.some((place) => path.startsWith(place)) && !climbs(path);
  };
};

export const openApiWay = async ({ base, app, apiUrl, isTrusted }: ApiWayDeps): Promise<ApiWay> => {
  const { closers, config, log } = base;
  const { server, timing } = config;
  const isPassed = isBelow(server.basePath);
  const target = closers.add(
    'way to the api',
    createTarget({ url: apiUrl, connectMs: timing.agentConnectMs, name: 'the api' }),
    (opened) => opened.close(),
  );

  await app.register(async (scope) => {
    // A body is nobody's here; it goes on as it comes.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, _payload, done) => done(null));
    for (const place of ['/api/*', '/socket.io/*'])
      scope.route({
        method: methods,
        url: under(server.basePath, place),
        exposeHeadRoute: false,
        bodyLimit: Number.MAX_SAFE_INTEGER,
        config: { isForwarded: true },
        async handler({ raw, id }, reply) {
          if (!isPassed(raw.url ?? '')) throw new AppError('not_found');
          const hop = { requestId: id, isTrusted: isTrusted(raw.socket.remoteAddress ?? '') };
          const answer = await ask(target, raw, reply.raw, hop);
          reply.hijack();
          give(answer, reply.raw);
          return reply;
        },
      });
  });

  const tunnels = acceptTunnels({
    server: app.server,
    target,
    log,
    isPassed,
    isTrusted,
    answerMs: timing.heartbeatTimeoutMs,
    lingerMs: timing.heartbeatTimeoutMs,
    // The api's own look at who reads nothing comes first, where it still sees it.
    stallMs: 2 * timing.heartbeatTimeoutMs,
  });
  closers.add('sockets to the api', tunnels, (opened) => opened.close(timing.drainMs / 10));

  return {
    drain: tunnels.drain,
    answers: () =>
      fetch(new URL(under(server.basePath, '/healthz'), apiUrl), { signal: AbortSignal.timeout(healthMs) }).then(
        async (answer) => {
          await answer.body?.cancel();
          return answer.ok;
        },
        () => false,
      ),
  };
};

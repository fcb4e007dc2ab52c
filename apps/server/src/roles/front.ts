// The HTTP server of a process: the api's routes where it plays the api, the page where it plays the web, and in each how it is.

import { AppError, openApiDocument } from '@remote-claude/contract';
import type { FastifyInstance } from 'fastify';

import {
  closeInTime,
  createHttpApp,
  under,
  type Access,
  type AddressOf,
  type HttpAppDeps,
  type Origins,
  type Trust,
} from '../platform/http/index.js';
import type { HttpMetrics } from '../platform/metrics/index.js';
import type { PageFiles } from '../platform/page-files.js';
import type { Api } from './api.js';
import type { Base } from './base.js';
import { registerWeb } from './web.js';

export interface FrontDeps {
  base: Base;
  api: Api | null;
  /** null where the page is not served here. */
  pageFiles: PageFiles | null;
  origins: Origins;
  addressOf: AddressOf;
  isTrusted: Trust;
  http: HttpMetrics;
}

const refuse = async (): Promise<never> => {
  throw new AppError('not_found');
};
/** Where there is no route, nobody is let in. */
const nobody: Access = { authenticate: async () => null, authorize: refuse, sessionPermissions: async () => new Set() };
const nothing: Pick<HttpAppDeps, 'access' | 'standing' | 'idempotency' | 'routes'> = {
  access: nobody,
  standing: { isOver: () => true, add: () => () => {} },
  idempotency: { once: refuse },
  routes: [],
};

export const createFront = async ({
  base,
  api,
  pageFiles,
  origins,
  addressOf,
  isTrusted,
  http,
}: FrontDeps): Promise<FastifyInstance> => {
  const { assets, machine, closers, config, log, logContext } = base;
  const { server, timing } = config;
  const { basePath } = server;
  const app = await createHttpApp({
    ...(api ?? nothing),
    // It measures spans alone.
    clock: machine,
    origins,
    log,
    basePath,
    maxBodyBytes: server.maxBodyBytes,
    addressOf,
    isTrusted,
    metrics: http,
    logContext,
  });
  // A third for requests under way, a tenth for viewers to take their leave, the rest for all else.
  closers.add('HTTP server', closeInTime(app), (close) => close(timing.drainMs / 3));
  if (api !== null) {
    // Made when it is first asked for: a start does not wait for it.
    let document: ReturnType<typeof openApiDocument> | null = null;
    app.get(under(basePath, '/api/openapi.json'), async (_request, reply) => {
      document ??= openApiDocument({ version: assets.version, basePath });
      return reply.header('cache-control', 'no-cache').send(document);
    });
  }
  if (pageFiles !== null) await registerWeb({ app, files: pageFiles, basePath });
  return app;
};

// The metrics of this process, at the root of its port: for whoever may read them.

import { AppError, rootRoutes } from '@remote-claude/contract';
import type { FastifyInstance } from 'fastify';

import type { Config } from '../platform/config/config.js';
import { under, type Trust } from '../platform/http/index.js';
import { createMetricsAccess, type MetricsRegistry } from '../platform/metrics/index.js';

export interface MetricsRouteDeps {
  app: FastifyInstance;
  basePath: string;
  config: Config['monitoring']['metrics'];
  registry: MetricsRegistry;
  /** Of reverse proxies of the site. */
  isTrusted: Trust;
}

export const registerMetrics = ({ app, basePath, config, registry, isTrusted }: MetricsRouteDeps): void => {
  const mayRead = createMetricsAccess({ token: config.token, isTrusted });
  app.get(under(basePath, rootRoutes.metrics.path), async (request, reply) => {
    const answer = config.enabled ? mayRead(request.raw) : 'unknown';
    if (answer === 'unknown') throw new AppError('not_found');
    if (answer === 'unauthenticated') {
      reply.header('www-authenticate', 'Bearer');
      throw new AppError('unauthenticated', { message: 'The metrics are read with the token of monitoring.metrics.' });
    }
    const { contentType, text } = await registry.tell();
    return reply.header('cache-control', 'no-store').type(contentType).send(text);
  });
};

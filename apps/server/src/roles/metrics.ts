// The metrics of this process, at the root of its port: for whoever may read them.

import { AppError, rootRoutes } from '@remote-claude/contract';
import type { FastifyInstance } from 'fastify';

import type { Config } from '../platform/config/config.js';
import { under } from '../platform/http/index.js';
import { createMetricsAccess, isPublicSite, type MetricsRegistry } from '../platform/metrics/index.js';

export interface MetricsRouteDeps {
  app: FastifyInstance;
  config: Pick<Config, 'server' | 'monitoring'>;
  registry: MetricsRegistry;
}

export const registerMetrics = ({ app, config, registry }: MetricsRouteDeps): void => {
  const { basePath, publicUrl, trustedProxies } = config.server;
  const { token, enabled } = config.monitoring.metrics;
  const mayRead = createMetricsAccess({ token, isPublic: isPublicSite(publicUrl, trustedProxies) });
  app.get(under(basePath, rootRoutes.metrics.path), async (request, reply) => {
    const answer = enabled ? mayRead(request.raw) : 'unknown';
    if (answer === 'unknown') throw new AppError('not_found');
    if (answer === 'unauthenticated') {
      reply.header('www-authenticate', 'Bearer');
      throw new AppError('unauthenticated', { message: 'The metrics are read with the token of monitoring.metrics.' });
    }
    const { contentType, text } = await registry.tell();
    return reply.header('cache-control', 'no-store').type(contentType).send(text);
  });
};

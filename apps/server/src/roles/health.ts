// Health of this process, at the root and without a sign-in. It tells nothing but whether it works.

import { openApiDocument } from '@remote-claude/contract';
import type { FastifyInstance } from 'fastify';

import { under } from '../platform/http/index.js';

export interface HealthDeps {
  app: FastifyInstance;
  basePath: string;
  version: string;
  /** Rejects while what every request needs is away. */
  ping(): Promise<void>;
}

export const registerHealth = ({ app, basePath, version, ping }: HealthDeps): { drain(): void } => {
  let draining = false;
  app.get(under(basePath, '/healthz'), async () => ({ ok: true }));
  app.get(under(basePath, '/readyz'), async (_request, reply) => {
    const ready =
      !draining &&
      (await ping().then(
        () => true,
        () => false,
      ));
    return reply.code(ready ? 200 : 503).send({ ready });
  });
  // Made when it is first asked for: a start does not wait for it.
  let document: ReturnType<typeof openApiDocument> | null = null;
  app.get(under(basePath, '/api/openapi.json'), async (_request, reply) => {
    document ??= openApiDocument({ version, basePath });
    return reply.header('cache-control', 'no-cache').send(document);
  });
  return {
    drain() {
      draining = true;
    },
  };
};

// Health of this process, at the root and without a sign-in: which roles it plays, and whether each works. It tells nothing
// else.

import type { FastifyInstance } from 'fastify';

import { under } from '../platform/http/index.js';
import type { Role } from './internal.js';

export type Look = () => Promise<boolean>;

export interface HealthDeps {
  app: FastifyInstance;
  basePath: string;
  /** Of this process. */
  roles: Partial<Record<Role, Look>>;
  /** In other processes, which roles of this one need. */
  reaches: Partial<Record<Role, Look>>;
}

/** What browsers reach: where a process has one of these, it is as ready as they are. */
const front: readonly Role[] = ['web', 'api'];

const look = async (looks: Partial<Record<Role, Look>>): Promise<Record<string, boolean>> =>
  Object.fromEntries(
    await Promise.all(
      Object.entries(looks).map(async ([name, works]): Promise<[string, boolean]> => [
        name,
        await works().catch(() => false),
      ]),
    ),
  );

export const registerHealth = ({ app, basePath, roles, reaches }: HealthDeps): { drain(): void } => {
  let draining = false;
  app.get(under(basePath, '/healthz'), async () => ({ ok: true }));
  app.get(under(basePath, '/readyz'), async (_request, reply) => {
    const [own, others] = await Promise.all([look(roles), look(reaches)]);
    const shown = front.filter((role) => role in own);
    const ready = !draining && (shown.length > 0 ? shown : Object.keys(own)).every((role) => own[role]);
    return reply.code(ready ? 200 : 503).send({ ready, roles: own, reaches: others });
  });
  return {
    drain() {
      draining = true;
    },
  };
};

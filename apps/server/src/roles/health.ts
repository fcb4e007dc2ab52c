// Health of this process, at the root and without a sign-in: which roles it plays, whether each works and why not. What it
// says names nothing of the site: it is told to strangers. Who has the token of the metrics also learns as whom they are seen.

import type { IncomingMessage } from 'node:http';

import { rootRoutes, type Readyz, type Seen } from '@remote-claude/contract';
import type { FastifyInstance } from 'fastify';

import { under } from '../platform/http/index.js';
import type { Role } from './internal.js';
import { databaseGone, type Look } from './looks.js';

export interface HealthDeps {
  app: FastifyInstance;
  basePath: string;
  /** Of this process. */
  roles: Partial<Record<Role, Look>>;
  /** In other processes, which roles of this one need. */
  reaches: Partial<Record<Role, Look>>;
  /** What it goes on without. */
  helpers?: readonly Look[];
  /** As whom it sees who asks; null for those who may not know. */
  seen?(request: IncomingMessage): Seen | null;
  lookMs?: number;
}

/** What browsers reach: where a process has one of these, it is as ready as they are. */
const front: readonly Role[] = ['web', 'api'];
/** Who asks waits no longer than 2 s in all. */
const longestLookMs = 1_500;

type Found = Record<string, readonly string[]>;

const within = async (look: Look, ms: number, late: string): Promise<readonly string[]> => {
  let timer: NodeJS.Timeout | undefined;
  const isLate = new Promise<readonly string[]>((resolve) => {
    timer = setTimeout(() => resolve([late]), ms);
  });
  try {
    return await Promise.race([look(), isLate]);
  } catch {
    return [late];
  } finally {
    clearTimeout(timer);
  }
};

export const registerHealth = (deps: HealthDeps): { drain(): void } => {
  const { app, basePath, roles, reaches, helpers = [], lookMs = longestLookMs } = deps;
  let draining = false;
  let looking: Promise<{ own: Found; others: Found; without: readonly string[] }> | null = null;

  const lookAt = async (looks: Partial<Record<Role, Look>>, words: (role: string) => string): Promise<Found> =>
    Object.fromEntries(
      await Promise.all(
        Object.entries(looks).map(async ([role, look]) => [role, await within(look, lookMs, words(role))] as const),
      ),
    );
  const lookAtAll = async () => {
    const [own, others, without] = await Promise.all([
      // Nothing else in it takes time.
      lookAt(roles, () => databaseGone),
      lookAt(reaches, (role) => `The ${role} does not answer.`),
      Promise.all(helpers.map((look) => within(look, lookMs, ''))),
    ]);
    return { own, others, without: without.flat() };
  };
  /** However many ask, one look is under way. */
  const look = () => {
    looking ??= lookAtAll().finally(() => {
      looking = null;
    });
    return looking;
  };

  const isWell = (found: Found): Record<string, boolean> =>
    Object.fromEntries(Object.entries(found).map(([role, reasons]) => [role, reasons.length === 0]));

  app.get(under(basePath, rootRoutes.healthz.path), async ({ raw }) => {
    const seen = deps.seen?.(raw) ?? null;
    return { ok: true, ...(seen !== null && { seen }) };
  });
  app.get(under(basePath, rootRoutes.readyz.path), async (_request, reply) => {
    const { own, others, without } = await look();
    const shown = front.filter((role) => role in own);
    const counting = shown.length > 0 ? shown : Object.keys(own);
    const ready = !draining && counting.every((role) => own[role]?.length === 0);
    const reasons = [
      ...(draining ? ['The process is ending.'] : []),
      ...Object.values(own).flat(),
      ...Object.values(others).flat(),
      ...without,
    ].filter((reason) => reason !== '');
    const answer: Readyz = {
      ready,
      degraded: ready && reasons.length > 0,
      roles: isWell(own),
      reaches: isWell(others),
      reasons: [...new Set(reasons)],
    };
    return reply
      .code(ready ? 200 : 503)
      .header('cache-control', 'no-store')
      .send(answer);
  });
  return {
    drain() {
      draining = true;
    },
  };
};

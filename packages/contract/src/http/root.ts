/** What machines ask beside the API: at the root, in every process of the site, without a sign-in. */
import { z } from 'zod';

import { defineRoute } from './route.js';

/** Whether a process can do its work. `true` is well; what is not is said among the reasons. */
export const readiness = z.object({
  /** Whether to send work here. */
  ready: z.boolean(),
  /** It works, and lacks something. */
  degraded: z.boolean(),
  /** The roles of this process. */
  roles: z.record(z.string(), z.boolean()),
  /** Those in other processes that it needs. */
  reaches: z.record(z.string(), z.boolean()),
  /** Sentences without any name or address of the site. */
  reasons: z.array(z.string()),
});
export type Readyz = z.infer<typeof readiness>;

/** What a process takes whoever asks for. */
const seen = z.object({
  address: z.string(),
  /** Who connected. */
  peer: z.string(),
  /** As a proxy said it. */
  scheme: z.string().nullable(),
  /** Whether the word of who connected is taken, and whether it names somebody else. */
  isHeeded: z.boolean(),
  isNamed: z.boolean(),
});
export type Seen = z.infer<typeof seen>;

/** Paths are under the base path, not under `/api`. */
export const rootRoutes = {
  healthz: defineRoute({
    id: 'healthz',
    method: 'GET',
    path: '/healthz',
    summary:
      'Whether the process runs. With the token of the metrics also as whom it sees who asks, which shows whether proxies say it truly.',
    permission: 'public',
    responses: { 200: z.object({ ok: z.literal(true), seen: seen.optional() }) },
  }),
  readyz: defineRoute({
    id: 'readyz',
    method: 'GET',
    path: '/readyz',
    summary: 'Whether each role of the process works, and why not. 503 where no work is to be sent to it.',
    permission: 'public',
    responses: { 200: readiness, 503: readiness },
  }),
  metrics: defineRoute({
    id: 'metrics',
    method: 'GET',
    path: '/metrics',
    summary:
      'Numbers for a Prometheus, in its text format: to who has the token of the configuration (monitoring.metrics), and where the site is for its own machine alone, to who is on it and comes without a proxy.',
    permission: 'public',
    kind: 'stream',
    responses: { 200: null },
    errors: ['unauthenticated', 'not_found'],
  }),
} as const;

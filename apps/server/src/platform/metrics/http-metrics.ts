// What is counted of requests and refusals. It knows routes by their patterns, and nobody who asks.

import type { ErrorCode } from '@remote-claude/contract';

import type { MetricsRegistry } from './registry.js';

/** Where a refusal was answered. */
export type ErrorPlace = 'http' | 'upgrade' | 'socket' | 'internal';

export interface HttpMetrics {
  /** `route` is a pattern, undefined where none fits. */
  answered(request: { route: string | undefined; method: string; status: number; durationMs: number }): void;
  refused(code: ErrorCode, at: ErrorPlace): void;
}

const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

export const createHttpMetrics = (registry: MetricsRegistry): HttpMetrics => {
  const requests = registry.counter({
    name: 'http_requests_total',
    help: 'Requests that were answered, by the pattern of their route.',
    labels: ['route', 'method', 'status'],
  });
  const durations = registry.histogram({
    name: 'http_request_duration_seconds',
    help: 'From the head of a request to the end of its answer; one that waits for Claude takes as long as the turn.',
    labels: ['route', 'method'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120],
  });
  const errors = registry.counter({
    name: 'errors_total',
    help: 'Refusals and failures that somebody was answered, by their code and by where.',
    labels: ['code', 'at'],
  });
  return {
    answered({ route = 'none', method, status, durationMs }) {
      const known = methods.has(method) ? method : 'other';
      requests.inc({ route, method: known, status: String(status) });
      durations.observe({ route, method: known }, durationMs / 1000);
    },
    refused: (code, at) => errors.inc({ code, at }),
  };
};

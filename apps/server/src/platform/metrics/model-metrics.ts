// What a gateway counts of calls to the model. It knows no session and no text.

import type { MetricsRegistry } from './registry.js';

export interface ModelMetrics {
  /** A call goes to the model; returns what is to be called when it is over. */
  begin(): (ended: CallEnd) => void;
  /** A call that was not let through. */
  refused(): void;
}

export interface CallEnd {
  /** What the model answered with, or why it did not: not reached, or nobody waited any more. */
  status: number | 'unreachable' | 'aborted';
  /** From the request to the first byte of the answer's body; null where none came. */
  firstByteMs: number | null;
}

/** Others are told by their class. */
const statuses = new Set([200, 400, 401, 403, 404, 413, 429, 500, 502, 503, 504, 529]);

const statusLabel = (status: CallEnd['status']): string =>
  typeof status === 'string' || statuses.has(status) ? String(status) : `${Math.floor(status / 100)}xx`;

export const createModelMetrics = (registry: MetricsRegistry): ModelMetrics => {
  const calls = registry.counter({
    name: 'model_calls_total',
    help: 'Calls of sessions to the model, by the status of the answer or by why there was none.',
    labels: ['status'],
  });
  const open = registry.gauge({ name: 'model_calls_open', help: 'Calls to the model that are under way.' });
  const firstByte = registry.histogram({
    name: 'model_call_first_byte_seconds',
    help: 'From the request of a session to the first byte of the answer.',
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 20, 30, 60, 120],
  });
  const durations = registry.histogram({
    name: 'model_call_duration_seconds',
    help: 'From the request of a session to the end of the answer.',
    buckets: [0.25, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600],
  });
  return {
    begin() {
      const begunAtMs = performance.now();
      open.inc();
      return ({ status, firstByteMs }) => {
        open.dec();
        calls.inc({ status: statusLabel(status) });
        if (firstByteMs !== null) firstByte.observe(firstByteMs / 1000);
        durations.observe((performance.now() - begunAtMs) / 1000);
      };
    },
    refused: () => calls.inc({ status: 'refused' }),
  };
};

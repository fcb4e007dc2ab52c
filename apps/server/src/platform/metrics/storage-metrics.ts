// What is counted of the database, and of what tells servers of one another: the bus, and Redis. It knows no table.

import type { MetricsRegistry } from './registry.js';

export interface QueryMetrics {
  answered(durationMs: number, failed: boolean): void;
}

export const createQueryMetrics = (registry: MetricsRegistry): QueryMetrics => {
  const durations = registry.histogram({
    name: 'database_query_duration_seconds',
    help: 'From a statement to its answer, over the connections of the pool.',
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
  });
  const failures = registry.counter({
    name: 'database_query_failures_total',
    help: 'Statements that failed, those among them that are tried again.',
  });
  return {
    answered(durationMs, failed) {
      durations.observe(durationMs / 1000);
      if (failed) failures.inc();
    },
  };
};

export interface WatchedStorage {
  connections(): { open: number; idle: number; waiting: number; max: number };
  isBusConnected(): boolean;
  /** null where there is no Redis. */
  isRedisConnected: (() => boolean) | null;
}

export const watchStorage = (
  registry: MetricsRegistry,
  { connections, isBusConnected, isRedisConnected }: WatchedStorage,
): void => {
  registry.gauge({
    name: 'database_connections',
    help: 'Connections of the pool.',
    labels: ['state'],
    read(set) {
      const { open, idle } = connections();
      set(idle, { state: 'idle' });
      set(open - idle, { state: 'busy' });
    },
  });
  registry.gauge({
    name: 'database_connections_max',
    help: 'Connections that the pool opens at most.',
    read: (set) => set(connections().max),
  });
  registry.gauge({
    name: 'database_statements_waiting',
    help: 'Statements that wait for a free connection now.',
    read: (set) => set(connections().waiting),
  });
  registry.gauge({
    name: 'bus_connected',
    help: 'Whether this process hears of changes from PostgreSQL: 1, or 0 while it connects again.',
    read: (set) => set(isBusConnected() ? 1 : 0),
  });
  if (isRedisConnected === null) return;
  registry.gauge({
    name: 'redis_connected',
    help: 'Whether Redis is connected: 1, or 0 while everything goes on without it.',
    read: (set) => set(isRedisConnected() ? 1 : 0),
  });
};

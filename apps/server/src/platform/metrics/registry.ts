// The registry of one process: every number that it tells a Prometheus. It knows no number's meaning, and nobody imports it:
// the composition makes one and hands it to what counts.

import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

export interface MetricOptions<L extends string> {
  /** Without the product's prefix. */
  name: string;
  help: string;
  /** Their values come from short, closed lists: no user, no session, no path that somebody chose. */
  labels?: readonly L[];
}

export interface GaugeOptions<L extends string> extends MetricOptions<L> {
  /** Asked at each look; what it throws leaves the gauge without a value. */
  read?(set: (value: number, labels?: Partial<Record<L, string>>) => void): void | Promise<void>;
}

export interface MetricsRegistry {
  counter<L extends string = never>(options: MetricOptions<L>): Counter<L>;
  gauge<L extends string = never>(options: GaugeOptions<L>): Gauge<L>;
  /** `buckets` in the unit of the name. */
  histogram<L extends string = never>(options: MetricOptions<L> & { buckets: readonly number[] }): Histogram<L>;
  /** All of it, in the text format of Prometheus. */
  tell(): Promise<{ contentType: string; text: string }>;
}

export interface RegistryOptions {
  version: string;
  roles: readonly string[];
  /** Also what Node knows of itself: memory, processor time, event loop, collections. */
  withProcess: boolean;
}

const prefix = 'remote_claude_';
/** Gauges with the ending of a counter, which a reader would take for one; the same numbers are there by kind. */
const misnamed = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total'];
/** A timer of this pace watches the event loop. */
const loopPrecisionMs = 50;

export const createMetricsRegistry = ({ version, roles, withProcess }: RegistryOptions): MetricsRegistry => {
  const registry = new Registry();
  const registers = [registry];

  const registered: MetricsRegistry = {
    counter: ({ name, help, labels = [] }) =>
      new Counter({ name: prefix + name, help, labelNames: [...labels], registers }),
    gauge: <L extends string>({ name, help, labels = [], read }: GaugeOptions<L>) =>
      new Gauge<L>({
        name: prefix + name,
        help,
        labelNames: [...labels],
        registers,
        ...(read !== undefined && {
          async collect(this: Gauge<L>) {
            // A label that is not said any more is not told any more.
            this.reset();
            if (labels.length === 0) this.remove();
            try {
              await read((value, of) =>
                of === undefined ? this.set(value) : this.set(of as Record<L, string>, value),
              );
            } catch {
              // Not known now, which is no value; who looks sees that it is missing.
            }
          },
        }),
      }),
    histogram: ({ name, help, labels = [], buckets }) =>
      new Histogram({ name: prefix + name, help, labelNames: [...labels], buckets: [...buckets], registers }),
    tell: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
  };

  registered
    .gauge({ name: 'build_info', help: 'Always 1; its labels say which version runs.', labels: ['version', 'node'] })
    .set({ version, node: process.version }, 1);
  const playing = registered.gauge({
    name: 'role_info',
    help: 'Always 1, for each role of this process.',
    labels: ['role'],
  });
  for (const role of roles) playing.set({ role }, 1);
  if (withProcess) {
    collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: loopPrecisionMs });
    for (const name of misnamed) registry.removeSingleMetric(name);
  }
  return registered;
};

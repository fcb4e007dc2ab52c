// A real Prometheus of a test's own, on a free port of loopback, and promtool beside it. It knows no metric.

import { spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';

import { builtEnv } from './config.js';
import { freePort } from './free-port.js';
import { until } from './wait.js';

export interface Sample {
  labels: Record<string, string>;
  value: number;
}

export interface Prometheus {
  /** What an expression of PromQL comes to now. */
  query(expression: string): Promise<Sample[]>;
  /** The value of an expression with one sample; null where there is none. */
  value(expression: string): Promise<number | null>;
  targets(): Promise<{ url: string; health: string; lastError: string }[]>;
  close(): Promise<void>;
}

const queried = z.object({
  status: z.literal('success'),
  data: z.object({
    result: z.array(z.object({ metric: z.record(z.string(), z.string()), value: z.tuple([z.number(), z.string()]) })),
  }),
});
const targeted = z.object({
  data: z.object({
    activeTargets: z.array(z.object({ scrapeUrl: z.string(), health: z.string(), lastError: z.string() })),
  }),
});

/** `scrapeConfigs` is YAML below that key. */
export const startPrometheus = async (scrapeConfigs: string): Promise<Prometheus> => {
  const folder = await mkdtemp(join(tmpdir(), 'rc-prometheus-'));
  const file = join(folder, 'prometheus.yml');
  await writeFile(file, `global: { scrape_interval: 2s, scrape_timeout: 2s }\nscrape_configs:\n${scrapeConfigs}`);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const args = [
    `--config.file=${file}`,
    `--storage.tsdb.path=${join(folder, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--log.level=warn',
  ];
  const child = spawn('prometheus', args, { env: builtEnv(), cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (part: Buffer) => (said += part.toString()));
  child.on('error', (error) => (said += error.message));
  const gone = new Promise<void>((resolve) => child.once('close', () => resolve()));

  const close = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await gone;
    await rm(folder, { recursive: true, force: true });
  };
  const get = async <T>(path: string, schema: z.ZodType<T>): Promise<T> =>
    schema.parse(await (await fetch(`${url}/api/v1${path}`)).json());
  const query = async (expression: string): Promise<Sample[]> => {
    const { data } = await get(`/query?query=${encodeURIComponent(expression)}`, queried);
    return data.result.map(({ metric, value: [, value] }) => ({ labels: metric, value: Number(value) }));
  };

  await until(async () => (await fetch(`${url}/-/ready`)).ok, { what: () => `Prometheus to be ready: ${said}` }).catch(
    async (error: unknown) => {
      await close();
      throw error;
    },
  );
  return {
    query,
    value: async (expression) => (await query(expression))[0]?.value ?? null,
    async targets() {
      const { data } = await get('/targets?state=active', targeted);
      return data.activeTargets.map(({ scrapeUrl, health, lastError }) => ({ url: scrapeUrl, health, lastError }));
    },
    close,
  };
};

/** What promtool says against it, with each lint a line; empty where it is content. */
export const checkMetrics = (said: string): string => {
  const { stdout, stderr, error } = spawnSync('promtool', ['check', 'metrics'], {
    env: builtEnv(),
    input: said,
    encoding: 'utf8',
  });
  if (error !== undefined) throw error;
  return stdout + stderr;
};

/** The same of YAML: alert rules, or a configuration. */
export const checkYaml = async (kind: 'rules' | 'config', yaml: string): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'rc-promtool-'));
  const file = join(folder, 'checked.yml');
  await writeFile(file, yaml);
  const args = kind === 'config' ? ['check', kind, '--syntax-only', file] : ['check', kind, file];
  const { status, stdout, stderr, error } = spawnSync('promtool', args, { env: builtEnv(), encoding: 'utf8' });
  await rm(folder, { recursive: true, force: true });
  if (error !== undefined) throw error;
  return status === 0 ? '' : stdout + stderr;
};

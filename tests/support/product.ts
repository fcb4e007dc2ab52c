// The whole product as a test's own: the built server in a process of its own, on a free port, with a data folder that
// goes with it. It knows no feature.

import { spawn, type ChildProcess } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { createProcessDriver, type Driver } from '@remote-claude/compute';

import { builtEnv, placesUnderTest, usesServicesByUrl } from './config.js';
import { endContainers, newPrefix, withContainers, type Contained } from './containers.js';
import { startPostgres } from './postgres.js';
import { startRedis } from './redis.js';
import { until } from './wait.js';

const program = fileURLToPath(new URL('../../apps/cli/dist/main.js', import.meta.url));
const startTimeoutMs = 90_000;

export interface Product {
  url: string;
  /** The set-up link; null once there is an admin. */
  setupUrl: string | null;
  dataDir: string;
  /** Its sessions' containers; null where they are processes. */
  contained: Contained | null;
  /** Its database, for whoever else connects to it; it answers for as long as this server is not told to end, if it runs it. */
  databaseUrl: string;
  /** All that the server printed. */
  output(): string;
  pid(): number;
  /** The process that was started last has not ended. */
  stillRuns(): boolean;
  /** `kill -9`, and resolves when it is gone. */
  kill(): Promise<void>;
  /** Starts again on the same folder and port. */
  restart(): Promise<void>;
  /** SIGTERM, and its exit code. */
  stop(): Promise<number | null>;
  /** Ends everything that was started, and removes the folder. */
  close(): Promise<void>;
}

export interface ProductOptions {
  /** YAML of the configuration, without server.port and server.dataDir. */
  config: string;
  /** Its compute.dataDir, where it has one: what runs there ends with this product. */
  computeDir?: string | undefined;
  /** Ends its places, where they are not processes. */
  endPlaces?: () => Promise<void>;
  /** For Node itself, before the program. */
  nodeArgs?: readonly string[];
  /** Where others must know it before it starts, and people are told another address; else any. */
  port?: number;
}

interface Running {
  child: ChildProcess;
  url: string;
  setupUrl: string | null;
  ended: Promise<number | null>;
}

export const startProduct = async (options: ProductOptions): Promise<Product> => {
  const { computeDir, nodeArgs = [], port: wantedPort = 0 } = options;
  const contained = options.endPlaces === undefined ? await chooseContainers() : null;
  const config = contained === null ? options.config : withContainers(options.config, contained);
  const endPlaces = contained === null ? options.endPlaces : () => endContainers(contained);
  const folder = await mkdtemp(join(tmpdir(), 'rc-'));
  await chmod(folder, 0o711);
  const dataDir = join(folder, 'd');
  const file = join(folder, 'config.yaml');
  const services = usesServicesByUrl() ? await startServices() : null;
  await writeFile(file, config + (services?.config ?? ''));
  const lines: string[] = [];

  const start = (port: number): Promise<Running> =>
    new Promise((resolve, reject) => {
      const args = [...nodeArgs, program, 'serve', '--config', file, '--port', String(port), '--data-dir', dataDir];
      const child = spawn(process.execPath, args, { env: builtEnv(), stdio: ['ignore', 'pipe', 'pipe'] });
      const ended = new Promise<number | null>((done) => child.once('exit', (code) => done(code)));
      let url: string | null = null;
      let failure: Error | null = null;
      const timer = setTimeout(() => {
        child.kill('SIGKILL');
        const error = new Error(`The server did not start within ${startTimeoutMs} ms:\n${lines.join('\n')}`);
        failure = error;
      }, startTimeoutMs);
      const finish = (setupUrl: string | null): void => {
        clearTimeout(timer);
        if (url !== null) resolve({ child, url, setupUrl, ended });
      };
      createInterface({ input: child.stdout }).on('line', (line) => {
        lines.push(line);
        // Where roles are apart, the first address is the process's own.
        url ??= /^(?:Remote Claude is|It says how it is) at (\S+?)(?:\/readyz)?$/.exec(line)?.[1] ?? null;
        const link = /one-time link: (\S+)/.exec(line)?.[1];
        if (link !== undefined) finish(link);
        // The line after the address is the set-up link, where there is one.
        else if (url !== null) setImmediate(() => setTimeout(() => finish(null), 20));
      });
      createInterface({ input: child.stderr }).on('line', (line) => lines.push(line));
      void ended.then((code) => {
        clearTimeout(timer);
        reject(failure ?? new Error(`The server ended with ${code}:\n${lines.join('\n')}`));
      });
    });

  /** The database, like the places, outlives a server that was killed. */
  const removeAll = async (): Promise<void> => {
    await (endPlaces ?? (() => destroyPlaces(computeDir ?? dataDir)))();
    await endDatabase(dataDir);
    await services?.close();
    await rm(folder, { recursive: true, force: true });
  };

  let running = await start(wantedPort).catch(async (error: unknown) => {
    await removeAll();
    throw error;
  });
  const ownUrl = wantedPort === 0 ? running.url : `http://localhost:${wantedPort}`;
  const port = Number(new URL(ownUrl).port);

  const stopWith = async (signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null> => {
    if (running.child.exitCode === null && running.child.signalCode === null) running.child.kill(signal);
    return running.ended;
  };

  return {
    url: ownUrl,
    get setupUrl() {
      return running.setupUrl;
    },
    dataDir,
    contained,
    databaseUrl: services?.databaseUrl ?? socketUrl(join(dataDir, 'run', 'postgres')),
    output: () => lines.join('\n'),
    pid: () => running.child.pid ?? 0,
    stillRuns: () => running.child.exitCode === null && running.child.signalCode === null,
    async kill() {
      await stopWith('SIGKILL');
    },
    async restart() {
      running = await start(port);
    },
    stop: () => stopWith('SIGTERM'),
    async close() {
      await stopWith('SIGTERM');
      await removeAll();
    },
  };
};

/** Containers of its own, where that is what is tested; null for places of this machine. */
const chooseContainers = async (): Promise<Contained | null> => {
  const runtime = placesUnderTest();
  if (runtime === 'process') return null;
  const { providedEngine } = await import('@remote-claude/compute/testing');
  return { engine: providedEngine(), runtime, prefix: newPrefix() };
};

/** Whoever may enter the socket's folder is let in: the superuser of the machine here. */
const socketUrl = (folder: string): string =>
  `postgres://remote_claude@localhost/remote_claude?host=${encodeURIComponent(folder)}`;

/** What a larger site has beside the server: its own PostgreSQL, and a Redis. */
const startServices = async () => {
  const postgres = await startPostgres();
  const redis = await startRedis();
  return {
    databaseUrl: postgres.url,
    config: `\ndatabase: { url: "${postgres.url}" }\nredis: { url: "${redis.url}" }\n`,
    async close() {
      await redis.close();
      await postgres.close();
    },
  };
};

/** PostgreSQL of this folder, where it still runs; one that was stopped has left no pid file. */
const endDatabase = async (dataDir: string): Promise<void> => {
  const file = await readFile(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8').catch(() => '');
  const pid = Number(file.split('\n')[0]);
  const isOurs = async (): Promise<boolean> =>
    (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).includes(join(dataDir, 'postgres'));
  if (!Number.isSafeInteger(pid) || pid <= 1 || !(await isOurs())) return;
  process.kill(pid, 'SIGQUIT');
  await until(async () => !(await isOurs()), { what: `PostgreSQL (${pid}) to end` });
};

/** A driver beside the server's own, to see and to end its places. */
export const driverOf = (dataDir: string): Driver =>
  createProcessDriver({
    dataDir,
    runDir: join(dataDir, 'run'),
    isolation: 'bubblewrap',
    uidRange: { first: 50_000, count: 5_000 },
    childEnv: builtEnv(),
  });

/** Places outlive the server; those of a test end with it. */
const destroyPlaces = async (dataDir: string): Promise<void> => {
  const driver = driverOf(dataDir);
  for (const { sessionId } of await driver.list()) await driver.destroy(sessionId);
  await driver.close();
};

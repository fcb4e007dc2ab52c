// A real PostgreSQL that the server runs for itself, on a unix socket only. It outlives a killed server, and the next
// one takes it over. It knows no table.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, mkdir, open, readFile, realpath, rename, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { isErrorCode } from '../files.js';
import type { Log } from '../log.js';
import { preparePostgresBinaries } from './binaries.js';
import { EmbeddedPostgresError } from './embedded-error.js';
import { ensureCluster, superuser, type ProcessOwner } from './cluster.js';
import { findPostmaster, isRunning, stopPostmaster, waitUntilReady, type SocketConnection } from './postmaster.js';

export interface EmbeddedPostgresOptions {
  dataDir: string;
  /** Short folder that exists and that the user of PostgreSQL can pass through; the socket lies in `<runDir>/postgres`. */
  runDir: string;
  childEnv: Readonly<Record<string, string>>;
  log: Log;
  /** User and group number under which it runs where the server is root; without meaning otherwise. */
  uid: number;
  startTimeoutMs?: number;
  stopGraceMs?: number;
}

export interface EmbeddedPostgres {
  connection: SocketConnection;
  pid(): number;
  /** Whether it was running already, left by a server that ended without stopping it. */
  adopted: boolean;
  /** Ends PostgreSQL in fast mode. */
  stop(): Promise<void>;
  /** Leaves PostgreSQL running and unwatched, for a next start to adopt. */
  release(): void;
}

const port = 5432;
const databaseName = 'remote_claude';
const watchMs = 1000;
const maxLogBytes = 8 * 1024 * 1024;

interface Cluster {
  folder: string;
  program: string;
  socketDir: string;
  owner: ProcessOwner | undefined;
  logPath: string;
  options: EmbeddedPostgresOptions;
}

/** Call only while holding the lock of the data folder. */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const cluster = await prepare(options);
  const { log, stopGraceMs = 30_000 } = options;
  let running = await adoptOrStart(cluster);
  const { adopted } = running;
  log.info({ pid: running.pid, adopted }, adopted ? 'PostgreSQL was running and is used on' : 'PostgreSQL started');
  await ensureDatabase(cluster.socketDir);

  // Whoever ends it from outside (the kernel when memory is short) finds it started again.
  const stopping = new AbortController();
  const watching = (async () => {
    while (!stopping.signal.aborted) {
      await delay(watchMs, undefined, { signal: stopping.signal, ref: false }).catch(() => {});
      if (stopping.signal.aborted || (await isRunning(running.pid, cluster.folder))) continue;
      log.error({ pid: running.pid }, 'PostgreSQL ended by itself and is started again');
      try {
        running = await adoptOrStart(cluster);
      } catch (err) {
        log.error({ err }, 'PostgreSQL does not start; trying again');
      }
    }
  })();

  return {
    connection: { host: cluster.socketDir, port, user: superuser, database: databaseName },
    pid: () => running.pid,
    adopted,
    release: () => stopping.abort(),
    async stop() {
      stopping.abort();
      await watching;
      await stopPostmaster(running.pid, cluster.folder, stopGraceMs);
      log.info('PostgreSQL stopped');
    },
  };
}

async function prepare(options: EmbeddedPostgresOptions): Promise<Cluster> {
  const dataDir = await realpath(options.dataDir);
  const owner = process.getuid?.() === 0 ? { uid: options.uid, gid: options.uid } : undefined;
  const binaries = await preparePostgresBinaries(join(dataDir, 'runtime'));
  const folder = join(dataDir, 'postgres');
  await ensureCluster({ folder, binaries, childEnv: options.childEnv, owner });

  // Who can enter this folder is the database's superuser: no password is asked.
  const socketDir = join(options.runDir, 'postgres');
  await mkdir(socketDir, { mode: 0o700 }).catch((error: unknown) => {
    if (!isErrorCode(error, 'EEXIST')) throw error;
  });
  if (owner !== undefined) await chown(socketDir, owner.uid, owner.gid);
  await chmod(socketDir, 0o700);
  await mkdir(join(dataDir, 'logs'), { recursive: true, mode: 0o700 });
  return {
    folder,
    program: binaries.postgres,
    socketDir,
    owner,
    logPath: join(dataDir, 'logs', 'postgres.log'),
    options,
  };
}

async function adoptOrStart(cluster: Cluster): Promise<{ pid: number; adopted: boolean }> {
  const { folder, socketDir, program, options } = cluster;
  const connection = { host: socketDir, port, user: superuser, database: 'postgres' };
  const timeoutMs = options.startTimeoutMs ?? 120_000;
  // After a kill of PostgreSQL its last children may hold its shared memory for a moment, so one refusal is not the end.
  for (let attempt = 1; attempt <= 5; attempt += 1) {
    const found = await findPostmaster(folder);
    if (found !== undefined && (found.program !== program || found.socketDir !== socketDir)) {
      // Left by another version of this server, or listening where nobody looks any more.
      await stopPostmaster(found.pid, folder, options.stopGraceMs ?? 30_000);
    } else {
      const pid = found?.pid ?? (await launch(cluster));
      if ((await waitUntilReady({ pid, folder }, connection, timeoutMs)) === 'ready')
        return { pid, adopted: found !== undefined };
      await delay(200 * attempt);
    }
  }
  throw new EmbeddedPostgresError(
    `PostgreSQL does not start. The end of ${cluster.logPath}:\n${await logTail(cluster.logPath)}`,
  );
}

async function launch(cluster: Cluster): Promise<number> {
  const settings = {
    listen_addresses: '',
    unix_socket_directories: cluster.socketDir,
    unix_socket_permissions: '0700',
    port: String(port),
    max_connections: '100',
    // One machine, one server: worker processes for reading would only cost memory.
    io_method: 'sync',
    timezone: 'UTC',
    log_timezone: 'UTC',
    log_checkpoints: 'off',
    cluster_name: 'remote-claude',
  };
  const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const output = await openLog(cluster.logPath);
  try {
    const child = spawn(cluster.program, ['-D', cluster.folder, ...args], {
      ...cluster.owner,
      env: { ...cluster.options.childEnv, LC_ALL: 'C' },
      cwd: '/',
      // A session of its own and output to a file: neither Ctrl+C nor the end of the server reaches it.
      detached: true,
      stdio: ['ignore', output.fd, output.fd],
    });
    if (child.pid === undefined) {
      const [cause] = (await once(child, 'error').catch((error: unknown) => [error])) as [Error];
      throw new EmbeddedPostgresError(`PostgreSQL cannot be started (${cluster.program}): ${cause.message}`, { cause });
    }
    child.unref();
    return child.pid;
  } finally {
    await output.close();
  }
}

async function openLog(path: string): Promise<FileHandle> {
  const size = await stat(path).then(
    (found) => found.size,
    () => 0,
  );
  if (size > maxLogBytes) await rename(path, `${path}.1`);
  return open(path, 'a', 0o600);
}

async function logTail(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch(() => '(no log)');
  return text.trimEnd().split('\n').slice(-10).join('\n');
}

async function ensureDatabase(socketDir: string): Promise<void> {
  const client = new pg.Client({ host: socketDir, port, user: superuser, database: 'postgres', ssl: false });
  await client.connect();
  try {
    const found = await client.query('select 1 from pg_database where datname = $1', [databaseName]);
    if (found.rowCount === 0) await client.query(`create database ${databaseName}`);
  } finally {
    await client.end();
  }
}

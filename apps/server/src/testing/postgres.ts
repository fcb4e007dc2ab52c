// A fresh, migrated database for a test file. One real PostgreSQL serves a whole vitest run: the first file that asks
// starts it, and a small watcher ends it and removes its folder when the run is over, however that ends.

import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { createDatabase, type Database } from '../platform/database/index.js';
import { tryFileLock } from '../platform/file-lock.js';
import { startEmbeddedPostgres } from '../platform/postgres/embedded-postgres.js';
import type { SocketConnection } from '../platform/postgres/postmaster.js';
import { createSilentLog } from './silent-log.js';

export interface TestDatabase {
  database: Database;
  /** For what needs a connection of its own, as the bus does. */
  connection: SocketConnection;
  /** Ends every connection of others to this database, as a restart of PostgreSQL would. */
  cutConnections(): Promise<void>;
  /** Closes `database` and drops what was made. */
  close(): Promise<void>;
}

const templateName = 'template_migrated';
const childEnv = { PATH: '/usr/local/bin:/usr/bin:/bin' };
const log = createSilentLog();

/** Call in `beforeAll`, and `close` in `afterAll`. `migrated: false` gives an empty database. */
export async function createTestDatabase(options: { migrated?: boolean } = {}): Promise<TestDatabase> {
  const server = await sharedServer();
  const name = `test_${randomBytes(6).toString('hex')}`;
  const template = options.migrated === false ? 'template0' : templateName;
  await administer(server, `create database ${name} template ${template}`);
  const connection = { ...server, database: name };
  const database = createDatabase(connection, { log, poolSize: 8, connectTimeoutMs: 20_000 });
  return {
    database,
    connection,
    async cutConnections() {
      await administer(server, `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`);
    },
    async close() {
      await database.close();
      await administer(server, `drop database if exists ${name} with (force)`);
    },
  };
}

async function sharedServer(): Promise<SocketConnection> {
  // Test files run in processes of their own, whose common parent is the run.
  const runPid = process.ppid;
  const folder = join(tmpdir(), `rc-test-${runPid}`);
  const runDir = join(folder, 'run');
  await mkdir(runDir, { recursive: true });
  for (const path of [folder, runDir]) await chmod(path, 0o711);
  const lock = await waitForLock(join(folder, 'lock'));
  try {
    const postgres = await startEmbeddedPostgres({ dataDir: folder, runDir, childEnv, log, uid: 49_999 });
    postgres.release();
    if (!postgres.adopted) endWith(runPid, postgres.pid(), folder);
    await ensureTemplate(postgres.connection);
    return postgres.connection;
  } finally {
    await lock.release();
  }
}

async function waitForLock(path: string) {
  for (;;) {
    const lock = await tryFileLock(path);
    if ('release' in lock) return lock;
    await delay(50);
  }
}

/** Waits for the end of the run in a process of its own: a test that is killed cleans up nothing. */
function endWith(runPid: number, postgresPid: number, folder: string): void {
  const script =
    'while kill -0 "$1" 2>/dev/null; do sleep 0.5; done; kill -QUIT "$2"; ' +
    'while kill -0 "$2" 2>/dev/null; do sleep 0.1; done; rm -rf "$3"';
  const args = ['-c', script, 'sh', String(runPid), String(postgresPid), folder];
  spawn('sh', args, { detached: true, stdio: 'ignore', env: childEnv }).unref();
}

async function ensureTemplate(server: SocketConnection): Promise<void> {
  const found = await administer(server, `select 1 from pg_database where datname = '${templateName}'`);
  if (found > 0) return;
  // Under another name until it is whole: a migration that fails leaves no template.
  const building = `${templateName}_building`;
  await administer(server, `drop database if exists ${building} with (force)`);
  await administer(server, `create database ${building} template template0`);
  const database = createDatabase({ ...server, database: building }, { log, poolSize: 2 });
  try {
    await database.migrate();
  } finally {
    await database.close();
  }
  await administer(server, `alter database ${building} rename to ${templateName}`);
}

/** Runs a statement outside of any test's database; returns the number of rows. */
async function administer(server: SocketConnection, statement: string): Promise<number> {
  const client = new pg.Client({ ...server, database: 'postgres', ssl: false });
  await client.connect();
  try {
    return (await client.query(statement)).rowCount ?? 0;
  } finally {
    await client.end();
  }
}

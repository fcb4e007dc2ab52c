// Everything that outlives the process: data folder, database, bus, the key that seals secrets. It knows no feature.

import { randomUUID } from 'node:crypto';
import { homedir } from 'node:os';
import { join } from 'node:path';

import type { Clock } from '../platform/clock.js';
import type { Closers } from '../platform/closers.js';
import type { Config } from '../platform/config/config.js';
import { createDatabase, openInstallation, type DatabaseConnection } from '../platform/database/index.js';
import { DataDirError, defaultDataDir, openDataDir, openSharedDir, type SharedDir } from '../platform/data-dir.js';
import type { Log } from '../platform/log.js';
import { loadMasterKey } from '../platform/master-key.js';
import { startEmbeddedPostgres } from '../platform/postgres/embedded-postgres.js';
import { createPostgresBus } from '../platform/postgres-bus.js';
import { createRemembered, rememberOnce } from '../platform/remembered.js';
import { openRedis } from '../platform/redis.js';
import { createSecretBox } from '../platform/secret-box.js';
import { createSiteClock } from '../platform/site-clock.js';

export interface StorageDeps {
  config: Config;
  childEnv: Readonly<Record<string, string>>;
  machine: Clock;
  log: Log;
  closers: Closers;
}

export const openStorage = async ({ config, childEnv, machine, log, closers }: StorageDeps) => {
  const home = { uid: process.getuid?.() ?? -1, home: homedir() };
  const dataDir = closers.add(
    'data folder',
    await openDataDir(config.server.dataDir ?? defaultDataDir(home)),
    (opened) => opened.close(),
  );

  const connect = async (): Promise<DatabaseConnection> => {
    if (config.database.url !== null) return { url: config.database.url };
    const postgres = await startEmbeddedPostgres({
      dataDir: dataDir.path,
      runDir: dataDir.runDir,
      childEnv,
      log,
      uid: config.database.embeddedUid,
    });
    return closers.add('PostgreSQL', postgres, (opened) => opened.stop()).connection;
  };
  const connection = await connect();
  const { heartbeatMs } = config.timing;
  const database = closers.add(
    'database',
    createDatabase(connection, { log, poolSize: config.database.poolSize }),
    (opened) => opened.close(),
  );
  await database.migrate();
  const clock = await createSiteClock({ machine, ask: database.time, log });
  closers.add('clock', clock, (opened) => opened.close());
  const secretBox = createSecretBox([await loadMasterKey(dataDir.secretsDir, config.security.masterKey ?? undefined)]);
  const installation = await openInstallation(database, secretBox.derive('key-mark').toString('base64url'));
  const redis =
    config.redis.url === null
      ? null
      : openRedis({ url: config.redis.url, prefix: `remote-claude:${installation}`, log });
  if (redis !== null) closers.add('Redis', redis, (opened) => opened.close());
  const wire = redis?.wire;
  const bus = await createPostgresBus({ connection, database, clock, log, heartbeatMs, wire });
  closers.add('bus', bus, (opened) => opened.close());
  const computeDir =
    config.compute.dataDir === null ? dataDir : await openComputeDir(config.compute.dataDir, installation);
  return {
    dataDir,
    connection,
    computeDir,
    /** Names the disks of this folder, whichever process works on it. */
    engine: await rememberOnce(join(computeDir.path, 'engine'), randomUUID()),
    /** The folder is locked: the manager that it names has ended. */
    predecessor: createRemembered(join(dataDir.path, 'manager')),
    database,
    clock,
    bus,
    /** Counters that servers share; null where each has its own. */
    counters: redis === null ? null : { client: redis.client, prefix: `remote-claude:${installation}:attempts` },
    secretBox,
  };
};

/** Shared by the servers of one database: to those of another its places would be strays. */
const openComputeDir = async (wanted: string, installation: string): Promise<SharedDir> => {
  const opened = await openSharedDir(wanted);
  if ((await rememberOnce(join(opened.path, 'installation'), installation)) === installation) return opened;
  throw new DataDirError(
    `The folder ${opened.path} (compute.dataDir) belongs to servers of another database. Choose another folder.`,
  );
};

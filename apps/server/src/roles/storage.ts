// Everything that outlives the process: database, bus, the key that seals secrets. It knows no feature.

import { createDatabase, openInstallation, type DatabaseConnection } from '../platform/database/index.js';
import { loadMasterKey } from '../platform/master-key.js';
import { createQueryMetrics, watchStorage } from '../platform/metrics/index.js';
import { startEmbeddedPostgres } from '../platform/postgres/embedded-postgres.js';
import { createPostgresBus } from '../platform/postgres-bus.js';
import { openRedis } from '../platform/redis.js';
import { createSecretBox } from '../platform/secret-box.js';
import { createSiteClock } from '../platform/site-clock.js';
import type { Base } from './base.js';

export const openStorage = async ({ config, childEnv, machine, metrics, log, closers, dataDir }: Base) => {
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
    createDatabase(connection, {
      log,
      poolSize: config.database.poolSize,
      onAnswer: createQueryMetrics(metrics).answered,
    }),
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
  watchStorage(metrics, {
    connections: database.connections,
    isBusConnected: bus.isConnected,
    isRedisConnected: redis === null ? null : redis.isReady,
  });
  return {
    connection,
    installation,
    database,
    clock,
    bus,
    /** null where there is no Redis. */
    isRedisReady: redis === null ? null : redis.isReady,
    /** Counters that servers share; null where each has its own. */
    counters: redis === null ? null : { client: redis.client, prefix: `remote-claude:${installation}:attempts` },
    secretBox,
  };
};

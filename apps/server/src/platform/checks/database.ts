// The database and Redis that a site names: whether they answer, which they are, and what time the database has.

import { Redis } from 'ioredis';
import pg from 'pg';

import { ok, problem, warning, whyOf, type Finding } from './finding.js';

const topic = 'database';
const redisTopic = 'Redis';
const withinMs = 5_000;
const oldestVersion = 15;
const slowMs = 50;
/** Beyond it the log of this machine is hard to read beside others; nothing else depends on it. */
const clockToleranceMs = 5_000;

export const checkDatabase = async (url: string | null): Promise<Finding[]> => {
  if (url === null) return [ok(topic, 'The server runs a PostgreSQL for itself, in its data folder')];
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: withinMs, query_timeout: withinMs });
  // A line that breaks while we end is no finding.
  client.on('error', () => {});
  try {
    await client.connect();
    const begun = performance.now();
    const { rows } = await client.query<{ version: string; at: Date }>(
      `select current_setting('server_version_num') as version, clock_timestamp() as at`,
    );
    const tookMs = performance.now() - begun;
    const [row] = rows;
    if (row === undefined) throw new Error('it answered nothing');
    return [versionOf(Number(row.version), tookMs), clockOf(row.at), ...(await findAway(client))];
  } catch (error) {
    return [
      problem(
        topic,
        `PostgreSQL cannot be used: ${whyOf(error)}.`,
        'Check database.url (DATABASE_URL), that the server may connect from here, and its password.',
      ),
    ];
  } finally {
    await client.end().catch(() => {});
  }
};

const versionOf = (version: number, tookMs: number): Finding => {
  const major = Math.floor(version / 10_000);
  const words = `PostgreSQL ${major}.${version % 10_000} answers in ${tookMs.toFixed(1)} ms`;
  if (major < oldestVersion)
    return problem(topic, `${words}; it is too old.`, `Use PostgreSQL ${oldestVersion} or newer.`);
  if (tookMs > slowMs)
    return warning(topic, `${words}: every message waits for it.`, 'Run the server near its database.');
  return ok(topic, words);
};

/** Of a database that servers have set up: whether sessions have their disks where no running session-manager has the engine. */
const findAway = async (client: pg.Client): Promise<Finding[]> => {
  const { rows: columns } = await client.query(
    `select 1 from information_schema.columns
      where table_schema = current_schema() and table_name = 'sessions' and column_name = 'disk_made_at'`,
  );
  if (columns.length === 0) return [];
  const { rows } = await client.query<{ sessions: number }>(
    `with alive as (select engine from managers where expires_at > clock_timestamp())
     select count(*)::int as sessions from sessions where engine is not null and disk_removed_at is null
       and engine not in (select engine from alive) and exists (select 1 from alive)`,
  );
  const sessions = rows[0]?.sessions ?? 0;
  if (sessions === 0) return [];
  return [
    problem(
      'engines',
      `The disks of ${sessions} ${sessions === 1 ? 'session' : 'sessions'} are on an engine that no running session-manager has; they cannot start.`,
      'Bring that engine back, or move its sessions: remote-claude engine list.',
    ),
  ];
};

const clockOf = (at: Date): Finding => {
  const apartMs = Date.now() - at.getTime();
  const words = `This machine's clock is ${Math.abs(apartMs / 1000).toFixed(1)} s ${apartMs < 0 ? 'behind' : 'ahead of'} the database's`;
  return Math.abs(apartMs) > clockToleranceMs
    ? warning('clock', `${words}. The database's counts, so nothing breaks.`, 'Keep both right by NTP, for the logs.')
    : ok('clock', words);
};

export const checkRedis = async (url: string | null): Promise<Finding> => {
  if (url === null) return ok(redisTopic, 'None is used, and none is needed for one server');
  const client = new Redis(url, {
    lazyConnect: true,
    connectTimeout: withinMs,
    commandTimeout: withinMs,
    retryStrategy: () => null,
  });
  let last: unknown = null;
  client.on('error', (error) => {
    last = error;
  });
  try {
    await client.connect();
    const begun = performance.now();
    await client.ping();
    return ok(redisTopic, `It answers in ${(performance.now() - begun).toFixed(1)} ms`);
  } catch (error) {
    return warning(
      redisTopic,
      `It cannot be used: ${whyOf(last ?? error)}. Everything works without it, some of it a little later.`,
      'Check redis.url (REDIS_URL) and its password.',
    );
  } finally {
    client.disconnect();
  }
};

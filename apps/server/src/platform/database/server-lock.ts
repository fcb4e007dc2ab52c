// One server per database: an advisory lock of PostgreSQL on a connection of its own, which ends with the process.
// It knows no table and no feature; whoever takes it says what a loss means.

import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import pg from 'pg';

import type { Cancel, Clock } from '../clock.js';
import type { Log } from '../log.js';
import { connectionSettings, type DatabaseConnection } from './database.js';

export interface ServerLockOptions {
  connection: DatabaseConnection;
  clock: Clock;
  log: Log;
  /** How often the connection is tried, since a network can drop one in silence. */
  heartbeatMs: number;
  /** How long to wait for a holder: a server that was killed a moment ago holds it until its connection is noticed. */
  patienceMs?: number;
  retryMs?: number;
  /** Another server has it: whatever acts on the database's word must stop. Called at most once. */
  onTaken(error: DatabaseInUseError): void;
}

export interface ServerLock {
  /** Gives it back. */
  close(): Promise<void>;
}

/** Two servers on one database. Its sentence names the other; `code` tells it from a bug. */
export class DatabaseInUseError extends Error {
  readonly code = 'DATABASE_IN_USE';
}

// Any number that nothing else in the database uses as an advisory lock.
const lockKey = 7_286_351_905;
const prefix = 'remote-claude ';
const limits = { connectionTimeoutMillis: 5_000, query_timeout: 5_000 };
// PostgreSQL notices in half a minute that a holder's machine is gone. They mean nothing on a unix socket.
const keepAlive = 'set tcp_keepalives_idle = 10; set tcp_keepalives_interval = 5; set tcp_keepalives_count = 4';

interface Holder {
  backend: number;
  name: string;
  since: Date;
}

/** Rejects with `DatabaseInUseError` where another server has it. */
export const takeServerLock = async (options: ServerLockOptions): Promise<ServerLock> => {
  const { connection, clock, log, heartbeatMs, patienceMs = 3_000, retryMs = 250 } = options;
  // Seen by others in the list of connections; PostgreSQL keeps 63 bytes of it. The last word is this taking's own.
  const name = `${prefix}${process.pid} ${hostname().slice(0, 28)} ${randomBytes(4).toString('hex')}`;
  let held: pg.Client | null = null;
  let closed = false;
  let cancelTimer: Cancel = () => {};

  /** Resolves to null when we have it, else to who has. */
  const attempt = async (): Promise<Holder | null> => {
    const client = new pg.Client({ ...connectionSettings(connection), ...limits, application_name: name });
    client.on('error', () => lose(client));
    client.on('end', () => lose(client));
    try {
      await client.connect();
      await client.query(keepAlive);
      const { rows } = await client.query<{ taken: boolean }>('select pg_try_advisory_lock($1) as taken', [lockKey]);
      if (rows[0]?.taken === true) {
        if (closed) await client.end();
        else {
          held = client;
          beat(client);
        }
        return null;
      }
      const holder = await findHolder(client);
      // Our own connection from before, whose loss the database has not noticed yet.
      if (holder?.name === name) await client.query('select pg_terminate_backend($1)', [holder.backend]);
      await client.end();
      return holder ?? { backend: 0, name: '', since: new Date(0) };
    } catch (error) {
      await client.end().catch(() => {});
      throw error;
    }
  };

  const beat = (client: pg.Client): void => {
    cancelTimer = clock.after(heartbeatMs, () => {
      client.query('select 1').then(
        () => held === client && beat(client),
        () => lose(client),
      );
    });
  };

  const lose = (client: pg.Client): void => {
    if (held !== client) return;
    held = null;
    cancelTimer();
    void client.end().catch(() => {});
    if (closed) return;
    log.warn('the connection that holds the lock on the database was lost; it is taken again');
    retake(clock.monotonicMs());
  };

  /** While the database is away nobody else can take it either; once it answers, a holder gets our patience. */
  const retake = (sinceMs: number): void => {
    cancelTimer = clock.after(retryMs, () => {
      if (closed) return;
      attempt().then(
        (holder) => {
          if (closed || holder === null) return;
          if (holder.name === name || clock.monotonicMs() - sinceMs < patienceMs) retake(sinceMs);
          else options.onTaken(inUse(holder));
        },
        () => retake(clock.monotonicMs()),
      );
    });
  };

  const begunMs = clock.monotonicMs();
  for (let holder = await attempt(); holder !== null; holder = await attempt()) {
    if (clock.monotonicMs() - begunMs >= patienceMs) throw inUse(holder);
    await new Promise<void>((resolve) => setTimeout(resolve, retryMs));
  }
  return {
    async close() {
      closed = true;
      cancelTimer();
      const client = held;
      held = null;
      await client?.end().catch(() => {});
    },
  };
};

const findHolder = async (client: pg.Client): Promise<Holder | null> => {
  const { rows } = await client.query<{ pid: number; application_name: string | null; backend_start: Date | null }>(
    `select a.pid, a.application_name, a.backend_start
       from pg_locks l join pg_stat_activity a on a.pid = l.pid
      where l.locktype = 'advisory' and l.granted and l.objsubid = 1
        and l.database = (select oid from pg_database where datname = current_database())
        and (l.classid::bigint << 32) | l.objid::bigint = $1`,
    [lockKey],
  );
  const row = rows[0];
  if (row === undefined) return null;
  return { backend: row.pid, name: row.application_name ?? '', since: row.backend_start ?? new Date(0) };
};

const inUse = ({ name, since }: Holder): DatabaseInUseError => {
  const [pid, host] = name.startsWith(prefix) ? name.slice(prefix.length).split(' ') : [];
  const who = pid === undefined || host === undefined ? '' : ` (process ${pid} on ${host})`;
  const when = since.getTime() === 0 ? '' : ` since ${since.toISOString()}`;
  return new DatabaseInUseError(
    `The database is in use by another server${who}${when}. Two servers on one database would both start and stop its ` +
      'sessions. Stop the other one first, or give this one another database (database.url, DATABASE_URL).',
  );
};

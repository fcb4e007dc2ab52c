// The connection to PostgreSQL: a pool, typed queries, transactions. It knows neither rules nor who asks.

import { Kysely } from 'kysely';
import pg from 'pg';
import type { Log } from '../log.js';
import { AheadDialect, type OnAnswer } from './ahead.js';
import { isConflict } from './errors.js';
import type { Executor, Trx } from './executor.js';
import { runLate, takeLate } from './late.js';
import { migrate, type Migrated } from './migrate.js';
import { migrations } from './migrations/index.js';
import type { DatabaseSchema } from './schema.js';

export type DatabaseConnection = { url: string } | { host: string; port: number; user: string; database: string };

export interface DatabaseOptions {
  log: Log;
  poolSize: number;
  /** How long a request waits for a free or new connection before the database counts as unavailable. */
  connectTimeoutMs?: number;
  /** A statement was answered. */
  onAnswer?: OnAnswer;
}

export interface Database {
  db: Executor;
  /**
   * Runs `work` in one transaction and commits what it returns. A deadlock or serialisation failure repeats it, so
   * `work` does nothing but ask the database through `trx`.
   */
  transaction<T>(work: (trx: Trx) => Promise<T>): Promise<T>;
  migrate(): Promise<Migrated>;
  /** Resolves when the database answers, for readiness. */
  ping(): Promise<void>;
  /** What time it is for the database. */
  time(): Promise<Date>;
  /** Of the pool, now; `waiting` are statements without one. */
  connections(): { open: number; idle: number; waiting: number; max: number };
  close(): Promise<void>;
}

const maxAttempts = 4;
/** Longer than people think between two messages: a new connection knows no table yet and takes several times as long. */
const idleMs = 10 * 60_000;
/** Rows that a server holds which is cut off in mid-transaction are free again after this, so that others can go on. */
const maxHoldMs = 10_000;
const int8 = 20;
const numeric = 1700;

export function createDatabase(connection: DatabaseConnection, options: DatabaseOptions): Database {
  const { log, poolSize, connectTimeoutMs = 2000, onAnswer } = options;
  const pool = new pg.Pool({
    ...connectionSettings(connection),
    max: poolSize,
    connectionTimeoutMillis: connectTimeoutMs,
    idleTimeoutMillis: idleMs,
    pipeline: true,
    idle_in_transaction_session_timeout: maxHoldMs,
    types: { getTypeParser },
  });
  // A connection that breaks while idle is replaced by the pool; without a listener it would end the process.
  pool.on('error', (err) => log.warn({ err }, 'a database connection was lost'));
  // One that breaks between two statements of a transaction is not the pool's then; the next statement says it.
  pool.on('connect', (client) => client.on('error', () => {}));
  const db: Executor = new Kysely<DatabaseSchema>({ dialect: new AheadDialect({ pool }, onAnswer) });

  return {
    db,
    async transaction(work) {
      for (let attempt = 1; ; attempt += 1) {
        try {
          let after: (() => void)[] = [];
          const result = await db.transaction().execute(async (trx) => {
            takeLate(trx);
            const made = await work(trx);
            after = await runLate(trx);
            return made;
          });
          for (const act of after) act();
          return result;
        } catch (error) {
          if (attempt >= maxAttempts || !isConflict(error)) throw error;
        }
      }
    },
    migrate: () => migrate(pool, db as unknown as Kysely<never>, migrations),
    ping: async () => {
      await pool.query('select 1');
    },
    async time() {
      const { rows } = await pool.query<{ now: Date }>('select clock_timestamp() as now');
      return rows[0]?.now ?? new Date(Number.NaN);
    },
    connections: () => ({
      open: pool.totalCount,
      idle: pool.idleCount,
      waiting: pool.waitingCount,
      max: poolSize,
    }),
    close: () => db.destroy(),
  };
}

/** The same settings for the pool and for connections beside it. */
export function connectionSettings(connection: DatabaseConnection): pg.ClientConfig {
  const shared = { application_name: 'remote-claude', keepAlive: true };
  return 'url' in connection
    ? { ...shared, connectionString: connection.url }
    : { ...shared, ...connection, ssl: false };
}

function getTypeParser(oid: number): (value: string) => unknown {
  return oid === int8 || oid === numeric ? Number : (pg.types.getTypeParser(oid) as (value: string) => unknown);
}

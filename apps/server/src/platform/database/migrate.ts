// Brings the tables to the newest form: forwards only, one server at a time. It does not know what the tables are for.

import { Migrator, type Kysely, type Migration } from 'kysely';
import type { Pool } from 'pg';

// Any number that nothing else in the database uses as an advisory lock.
const lockKey = 7_286_351_904;

export interface Migrated {
  /** Names of those that ran now. */
  applied: string[];
  /** Names in the database that this program does not know: a newer version was here. */
  newer: string[];
}

/**
 * Runs what is missing, all in one transaction: after a failure the tables are as before. Where a newer version has
 * migrated already nothing is done, for each version leaves the one before able to work.
 */
export async function migrate(
  pool: Pool,
  db: Kysely<never>,
  known: Readonly<Record<string, Migration>>,
): Promise<Migrated> {
  const locker = await pool.connect();
  try {
    await locker.query('select pg_advisory_lock($1)', [lockKey]);
    return await migrateLocked(db, known);
  } finally {
    // Closing the connection gives the lock back, also where unlocking would fail.
    locker.release(true);
  }
}

async function migrateLocked(db: Kysely<never>, known: Readonly<Record<string, Migration>>): Promise<Migrated> {
  const stored = await storedNames(db);
  const newer = stored.filter((name) => !(name in known));
  const missing = Object.keys(known).filter((name) => !stored.includes(name));
  if (missing.length === 0) return { applied: [], newer };
  if (newer.length > 0) {
    throw new Error(
      `The database has migrations of another version (${newer.join(', ')}) and lacks ${missing.join(', ')}. ` +
        'Start the newest version of Remote Claude that used this database.',
    );
  }
  const migrator = new Migrator({ db, provider: { getMigrations: async () => ({ ...known }) } });
  const { error, results = [] } = await migrator.migrateToLatest();
  if (error !== undefined) {
    const failed = results.find((result) => result.status === 'Error')?.migrationName;
    throw new Error(`Migration ${failed ?? ''} failed, the database is unchanged: ${String(error)}`, { cause: error });
  }
  return { applied: results.map((result) => result.migrationName), newer };
}

async function storedNames(db: Kysely<never>): Promise<string[]> {
  const any = db as unknown as Kysely<{ kysely_migration: { name: string } }>;
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true });
  if (!tables.some((table) => table.name === 'kysely_migration')) return [];
  return (await any.selectFrom('kysely_migration').select('name').execute()).map((row) => row.name);
}

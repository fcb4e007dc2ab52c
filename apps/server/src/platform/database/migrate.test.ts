import { sql, type Kysely, type Migration } from 'kysely';
import pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../testing/postgres.js';
import { migrate } from './migrate.js';
import { migrations } from './migrations/index.js';

let empty: TestDatabase;
let pool: pg.Pool;
beforeEach(async () => {
  empty = await createTestDatabase({ migrated: false });
  pool = new pg.Pool({ ...empty.connection, ssl: false });
});
afterEach(async () => {
  await pool.end();
  await empty.close();
});

const run = (known: Record<string, Migration>) => migrate(pool, empty.database.db as unknown as Kysely<never>, known);
const statement = (text: string): Migration => ({ up: async (db) => void (await sql.raw(text).execute(db)) });
const tableNames = async () => (await empty.database.db.introspection.getTables()).map((table) => table.name).sort();

test('several servers that start at once migrate once', async () => {
  const results = await Promise.all(Array.from({ length: 4 }, () => empty.database.migrate()));
  expect(results.flatMap((result) => result.applied)).toEqual(Object.keys(migrations));
  expect(await tableNames()).toContain('audit_logs');
  expect(await empty.database.migrate()).toEqual({ applied: [], newer: [] });
});

test('a failing migration leaves the tables as they were, and is named', async () => {
  await run({ '0001-a': statement('create table a (n int)') });
  const next = {
    '0001-a': statement(''),
    '0002-b': statement('create table b (n int)'),
    '0003-c': statement('create nonsense'),
  };
  await expect(run(next)).rejects.toThrow(/Migration 0003-c failed, the database is unchanged/);
  expect(await tableNames()).toEqual(['a']);
  expect((await run({ ...next, '0003-c': statement('create table c (n int)') })).applied).toEqual(['0002-b', '0003-c']);
});

test('the version before works on what a newer one has migrated, a foreign history is refused', async () => {
  const old = { '0001-a': statement('create table a (n int)') };
  await run({ ...old, '0002-b': statement('create table b (n int)') });
  expect(await run(old)).toEqual({ applied: [], newer: ['0002-b'] });
  await expect(run({ ...old, '0003-c': statement('create table c (n int)') })).rejects.toThrow(
    /migrations of another version \(0002-b\)/,
  );
});

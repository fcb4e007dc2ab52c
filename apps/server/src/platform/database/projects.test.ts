// What the migration to projects makes of what is there, and of what the version before goes on making.

import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Kysely } from 'kysely';

import { createTestDatabase, type TestDatabase } from '../../testing/postgres.js';
import { migrate } from './migrate.js';
import { migrations } from './migrations/index.js';

let empty: TestDatabase;
let pool: pg.Pool;
beforeAll(async () => {
  empty = await createTestDatabase({ migrated: false });
  pool = new pg.Pool({ ...empty.connection, ssl: false });
});
afterAll(async () => {
  await pool?.end();
  await empty?.close();
});

const names = Object.keys(migrations);
const upTo = (name: string) =>
  Object.fromEntries(Object.entries(migrations).filter(([one]) => names.indexOf(one) <= names.indexOf(name)));
const rows = async (text: string): Promise<unknown[]> => (await pool.query(text)).rows;
const add = (name: string) =>
  rows(`insert into users (email, name, site_role) values ('${name}@example.org', '${name}', 'member')`);
const begin = (name: string) =>
  rows(`insert into sessions (user_id, name) select id, name from users where name = '${name}'`);

test('everyone has one project of their own, with all of their sessions, also those that the version before makes', async () => {
  const db = empty.database.db as unknown as Kysely<never>;
  await migrate(pool, db, upTo('0008-line'));
  await add('ada');
  await add('bob');
  await begin('ada');
  await begin('ada');
  await migrate(pool, db, upTo('0009-projects'));
  // As the version before says it.
  await add('cyd');
  await begin('bob');
  await begin('cyd');
  expect(
    await rows(`select users.name, personal, role, count(sessions.id)::int as sessions
      from users join project_members on project_members.user_id = users.id
        join projects on projects.id = project_members.project_id and projects.user_id = users.id
        left join sessions on sessions.project_id = projects.id and sessions.user_id = users.id
      group by users.name, personal, role order by users.name`),
  ).toEqual([
    { name: 'ada', personal: true, role: 'owner', sessions: 2 },
    { name: 'bob', personal: true, role: 'owner', sessions: 1 },
    { name: 'cyd', personal: true, role: 'owner', sessions: 1 },
  ]);
  expect(await rows('select id from sessions where project_id is null')).toEqual([]);
});

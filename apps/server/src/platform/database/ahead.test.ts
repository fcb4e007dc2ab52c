import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';

import { createTestDatabase, type TestDatabase } from '../../testing/postgres.js';
import { isUnavailable, isUniqueViolation, json, sendAhead, type Trx } from './index.js';

let test1: TestDatabase;
beforeAll(async () => {
  test1 = await createTestDatabase();
});
afterAll(() => test1.close());

const put = (trx: Trx, key: string) => sendAhead(trx, trx.insertInto('settings').values({ key, value: json(1) }));
const keys = async (like: string): Promise<string[]> => {
  const rows = await test1.database.db
    .selectFrom('settings')
    .select('key')
    .where('key', 'like', `${like}%`)
    .orderBy('key')
    .execute();
  return rows.map(({ key }) => key);
};

test('what is read behind a statement that was sent ahead sees what it did', async () => {
  const seen = await test1.database.transaction(async (trx) => {
    await put(trx, 'order-1');
    await put(trx, 'order-2');
    return trx.selectFrom('settings').select('key').where('key', 'like', 'order-%').orderBy('key').execute();
  });
  expect(seen).toEqual([{ key: 'order-1' }, { key: 'order-2' }]);
  expect(await keys('order-')).toEqual(['order-1', 'order-2']);
});

test('one that is refused fails its transaction with its own error, and nothing of it is kept', async () => {
  const { database } = test1;
  await database.transaction((trx) => put(trx, 'taken'));
  const last = database.transaction(async (trx) => {
    await put(trx, 'lost-1');
    await put(trx, 'taken');
  });
  await expect(last).rejects.toSatisfy((error) => isUniqueViolation(error, 'settings_pkey'));
  const before = database.transaction(async (trx) => {
    await put(trx, 'taken');
    await put(trx, 'lost-2');
    return trx.selectFrom('settings').selectAll().execute();
  });
  await expect(before).rejects.toSatisfy((error) => isUniqueViolation(error, 'settings_pkey'));
  expect(await keys('lost')).toEqual([]);
  // The connections are as good as before.
  await Promise.all(Array.from({ length: 20 }, (_, n) => database.transaction((trx) => put(trx, `after-${n}`))));
  expect(await keys('after-')).toHaveLength(20);
});

test('is taken back with a transaction whose work fails', async () => {
  const failing = test1.database.transaction(async (trx) => {
    await put(trx, 'undone');
    throw new Error('no');
  });
  await expect(failing).rejects.toThrow('no');
  expect(await keys('undone')).toEqual([]);
});

test('the transactions of many are kept apart, also where they wait for the same row', async () => {
  const { database } = test1;
  await database.transaction((trx) => put(trx, 'count'));
  const add = (trx: Trx) =>
    sendAhead(
      trx,
      trx
        .updateTable('settings')
        .set({ value: sql`to_jsonb((value::text)::int + 1)` as never })
        .where('key', '=', 'count'),
    );
  await Promise.all(
    Array.from({ length: 50 }, (_, n) =>
      database
        .transaction(async (trx) => {
          await add(trx);
          if (n % 5 === 0) throw new Error('not this one');
        })
        .catch(() => {}),
    ),
  );
  const row = await database.db.selectFrom('settings').select('value').where('key', '=', 'count').executeTakeFirst();
  expect(row?.value).toBe(1 + 40);
});

test('a connection that is lost meanwhile is told as the database being away, and the next one works', async () => {
  const { database, cutConnections } = test1;
  const cut = database.transaction(async (trx) => {
    await put(trx, 'cut');
    await trx.selectFrom('settings').select('key').execute();
    await cutConnections();
    await put(trx, 'cut-too');
  });
  await expect(cut).rejects.toSatisfy(isUnavailable);
  // All connections of the pool were cut; it knows of each when its end has come.
  await vi.waitFor(() => expect(database.connections().open).toBe(0), 20_000);
  await database.transaction((trx) => put(trx, 'works'));
  expect([...(await keys('cut')), ...(await keys('works'))]).toEqual(['works']);
});

test('outside of a transaction it is waited for', async () => {
  const { db } = test1.database;
  await sendAhead(db, db.insertInto('settings').values({ key: 'alone', value: json(1) }));
  expect(await keys('alone')).toEqual(['alone']);
  const again = sendAhead(db, db.insertInto('settings').values({ key: 'alone', value: json(1) }));
  await expect(again).rejects.toSatisfy((error) => isUniqueViolation(error));
});

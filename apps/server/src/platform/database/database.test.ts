import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createSilentLog } from '../../testing/silent-log.js';
import { createLog } from '../log.js';
import { createTestDatabase, type TestDatabase } from '../../testing/postgres.js';
import { createDatabase, insertLate, isForeignKeyViolation, isUnavailable, isUniqueViolation, json } from './index.js';

let test1: TestDatabase;
beforeAll(async () => {
  test1 = await createTestDatabase();
});
afterAll(() => test1.close());

const insertUser = (email: string) =>
  test1.database.db
    .insertInto('users')
    .values({ email, name: 'A', site_role: 'member' })
    .returning('id')
    .executeTakeFirstOrThrow();

const insertSession = async (email: string) => {
  const user = await insertUser(email);
  return test1.database.db
    .insertInto('sessions')
    .values({ user_id: user.id, name: 's' })
    .returningAll()
    .executeTakeFirstOrThrow();
};

describe('rows', () => {
  test('counters and money arrive as numbers, times as Date', async () => {
    const session = await insertSession('numbers@example.org');
    expect(session).toMatchObject({ head: 0, status: 'starting', wanted: 'running', state: {}, attempts: 0 });
    expect(session.created_at).toBeInstanceOf(Date);
    const usage = await test1.database.db
      .insertInto('usage')
      .values({ session_id: session.id, user_id: session.user_id, model: 'm', input_tokens: 12, cost_usd: 0.000123 })
      .returning(['input_tokens', 'cost_usd', 'output_tokens'])
      .executeTakeFirstOrThrow();
    expect(usage).toEqual({ input_tokens: 12, output_tokens: 0, cost_usd: 0.000123 });
  });

  test('jsonb takes arrays, strings, null and text that PostgreSQL cannot hold', async () => {
    const values = [[1, 'two'], 'text', null, { a: [] }, 'the text \\u0000 and \\ud800'];
    for (const [index, value] of values.entries()) {
      const key = `json-${index}`;
      await test1.database.db
        .insertInto('settings')
        .values({ key, value: json(value) })
        .execute();
      const row = await test1.database.db
        .selectFrom('settings')
        .select('value')
        .where('key', '=', key)
        .executeTakeFirstOrThrow();
      expect(row.value).toEqual(value);
    }
    const broken = { 'key\u0000': 'a\u0000b\ud800c\\\u0000', emoji: '😀' };
    const row = await test1.database.db
      .insertInto('settings')
      .values({ key: 'broken', value: json(broken) })
      .returning('value')
      .executeTakeFirstOrThrow();
    expect(row.value).toEqual({ 'key\ufffd': 'a\ufffdb\ufffdc\\\ufffd', emoji: '😀' });
  });

  test('constraints hold and are recognised', async () => {
    await insertUser('twice@example.org');
    const again = await insertUser('twice@example.org').catch((error: unknown) => error);
    expect(isUniqueViolation(again)).toBe(true);
    expect(isUniqueViolation(again, 'users_email_key')).toBe(true);
    expect(isUniqueViolation(again, 'another')).toBe(false);
    await expect(insertUser('Upper@example.org')).rejects.toMatchObject({ code: '23514' });
    const nobody = '00000000-0000-0000-0000-000000000000';
    const orphan = await test1.database.db
      .insertInto('sessions')
      .values({ user_id: nobody, project_id: nobody, name: 's' })
      .execute()
      .catch((error: unknown) => error);
    expect(isForeignKeyViolation(orphan)).toBe(true);
  });

  test('an event is stored once per source and number, and goes with its session', async () => {
    const { id } = await insertSession('events@example.org');
    const insert = (seq: number, n: number) =>
      test1.database.db
        .insertInto('events')
        .values({ session_id: id, seq, source: 'journal', n, event: json({ n }) })
        .execute();
    await insert(1, 1);
    await expect(insert(2, 1)).rejects.toMatchObject({ code: '23505' });
    await expect(insert(1, 2)).rejects.toMatchObject({ code: '23505' });
    await test1.database.db.deleteFrom('sessions').where('id', '=', id).execute();
    expect(await test1.database.db.selectFrom('events').selectAll().where('session_id', '=', id).execute()).toEqual([]);
  });
});

describe('transactions', () => {
  test('a failure leaves nothing', async () => {
    const failing = test1.database.transaction(async (trx) => {
      await trx
        .insertInto('settings')
        .values({ key: 'gone', value: json(1) })
        .execute();
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(await test1.database.db.selectFrom('settings').selectAll().where('key', '=', 'gone').execute()).toEqual([]);
  });

  test('two that deadlock both come through', async () => {
    const { db, transaction } = test1.database;
    for (const key of ['left', 'right'])
      await db
        .insertInto('settings')
        .values({ key, value: json(0) })
        .execute();
    let arrived = 0;
    let open: () => void = () => {};
    const bothHoldOne = new Promise<void>((resolve) => (open = resolve));
    const work = (first: string, second: string) =>
      transaction(async (trx) => {
        await trx
          .updateTable('settings')
          .set({ value: json(first) })
          .where('key', '=', first)
          .execute();
        arrived += 1;
        if (arrived === 2) open();
        await bothHoldOne;
        await trx
          .updateTable('settings')
          .set({ value: json(first) })
          .where('key', '=', second)
          .execute();
        return first;
      });
    expect(await Promise.all([work('left', 'right'), work('right', 'left')])).toEqual(['left', 'right']);
    expect(arrived).toBe(3);
  });
});

describe('a database that is away', () => {
  test('is recognised, and the pool heals by itself', async () => {
    const running = test1.database.db
      .executeQuery(sql`select pg_sleep(30)`.compile(test1.database.db))
      .catch((error: unknown) => error);
    await expect
      .poll(
        async () =>
          (
            await sql<{
              n: number;
            }>`select count(*)::int as n from pg_stat_activity where query like 'select pg_sleep%'`.execute(
              test1.database.db,
            )
          ).rows[0]?.n,
      )
      .toBe(1);
    await test1.cutConnections();
    expect(isUnavailable(await running)).toBe(true);
    await expect
      .poll(() =>
        test1.database.ping().then(
          () => 'up',
          () => 'down',
        ),
      )
      .toBe('up');
  });

  test('that goes between two statements of a transaction ends neither the process nor the wait', async () => {
    const broken = test1.database.transaction(async (trx) => {
      await sql`select 1`.execute(trx);
      await test1.cutConnections();
      // Its end has come to this process, and nobody has asked anything.
      await new Promise((resolve) => setTimeout(resolve, 100));
      await sql`select 1`.execute(trx);
    });
    expect(isUnavailable(await broken.catch((error: unknown) => error))).toBe(true);
  });

  test.each(['EPIPE', 'ECONNRESET', 'ENOENT', '57P01', '08006', '53100'])('%s says that it is away', (code) => {
    expect(isUnavailable(Object.assign(new Error('write'), { code }))).toBe(true);
  });

  test.each(['23505', '42601', 'EACCES'])('%s does not', (code) => {
    expect(isUnavailable(Object.assign(new Error('write'), { code }))).toBe(false);
  });

  test('is refused within two seconds where nothing listens', async () => {
    const away = createDatabase({ url: 'postgres://nobody@127.0.0.1:1/none' }, { log: createSilentLog(), poolSize: 1 });
    const startMs = performance.now();
    expect(isUnavailable(await away.ping().catch((error: unknown) => error))).toBe(true);
    expect(performance.now() - startMs).toBeLessThan(4000);
    await away.close();
  });
});

describe('what is logged of an error', () => {
  test('says what it was, and neither the connection nor a row', async () => {
    const { host, user, database: name } = test1.connection;
    const url = `postgres://${user}:canary@localhost/${name}?host=${encodeURIComponent(host)}`;
    let text = '';
    const log = createLog({ level: 'info', plain: false, sink: { write: (line) => (text += line) } });
    const own = createDatabase({ url }, { log, poolSize: 1, connectTimeoutMs: 20_000 });
    try {
      const failed = await sql`insert into users (email, name, site_role) values ('canary', null, 'member')`
        .execute(own.db)
        .catch((err: unknown) => err);
      log.error({ err: failed }, 'request failed');
      log.error({ err: new Error(`no answer from ${url}`, { cause: failed }) }, 'request failed');
      await own.ping();
      await test1.cutConnections();
      await expect.poll(() => text).toContain('a database connection was lost');
    } finally {
      await own.close();
    }
    const lines = text.trim().split('\n');
    expect(lines).toHaveLength(3);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ err: { code: '23502', table: 'users', column: 'name' } });
    expect(lines[1]).toContain('postgres://[redacted]@localhost');
    expect(text).not.toContain('canary');
    expect(text).not.toContain('"client"');
  });
});

describe('statements put off to the end of a transaction', () => {
  const actions = async (): Promise<string[]> => {
    const rows = await test1.database.db.selectFrom('audit_logs').select('action').orderBy('action').execute();
    return rows.map(({ action }) => action);
  };

  test('are in its commit, all of them, and in none that fails', async () => {
    const { database } = test1;
    await database.transaction(async (trx) => {
      for (const action of ['late-1', 'late-2']) await insertLate(trx, trx.insertInto('audit_logs').values({ action }));
      expect(await trx.selectFrom('audit_logs').selectAll().execute()).toEqual([]);
      await insertLate(trx, trx.insertInto('settings').values({ key: 'late', value: json(1) }));
    });
    const failing = database.transaction(async (trx) => {
      await insertLate(trx, trx.insertInto('audit_logs').values({ action: 'lost' }));
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    // What one of them refuses, none does.
    const refused = database.transaction(async (trx) => {
      await insertLate(trx, trx.insertInto('audit_logs').values({ action: 'refused' }));
      await insertLate(trx, trx.insertInto('settings').values({ key: 'late', value: json(2) }));
    });
    await expect(refused).rejects.toSatisfy((error) => isUniqueViolation(error, 'settings_pkey'));
    expect(await actions()).toEqual(['late-1', 'late-2']);
  });

  test('run at once where there is no transaction to wait for', async () => {
    const { db } = test1.database;
    await insertLate(db, db.insertInto('audit_logs').values({ action: 'at-once' }));
    expect(await actions()).toContain('at-once');
  });
});

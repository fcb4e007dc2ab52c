import { hostname } from 'node:os';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

import { createTestDatabase, type TestDatabase } from '../../testing/postgres.js';
import { createSilentLog } from '../../testing/silent-log.js';
import { createSystemClock } from '../clock.js';
import { takeServerLock, type DatabaseInUseError, type ServerLockOptions } from './server-lock.js';

const patience = { timeout: 20_000, interval: 20 };

let testDatabase: TestDatabase;
beforeAll(async () => {
  testDatabase = await createTestDatabase();
});
afterAll(() => testDatabase.close());

const take = (more: Partial<ServerLockOptions> = {}) =>
  takeServerLock({
    connection: testDatabase.connection,
    clock: createSystemClock(),
    log: createSilentLog(),
    heartbeatMs: 50,
    patienceMs: 300,
    retryMs: 20,
    onTaken: () => {},
    ...more,
  });

const ask = async <T>(text: string): Promise<T[]> => {
  const client = new pg.Client({ ...testDatabase.connection, ssl: false });
  await client.connect();
  try {
    return (await client.query(text)).rows as T[];
  } finally {
    await client.end();
  }
};
const holders = () =>
  ask<{ pid: number }>(
    `select l.pid from pg_locks l join pg_database d on d.oid = l.database
      where l.locktype = 'advisory' and l.granted and d.datname = current_database()`,
  );

describe('the lock of a server', () => {
  test('is had by one, and the refusal says by whom and since when', async () => {
    const lock = await take();
    const refused = take();
    await expect(refused).rejects.toMatchObject({ code: 'DATABASE_IN_USE' });
    await expect(refused).rejects.toThrow(
      new RegExp(`process ${process.pid} on ${hostname().slice(0, 28)}\\) since \\d{4}-`),
    );
    await lock.close();
    await (await take()).close();
    expect(await holders()).toEqual([]);
  });

  test('is waited for while the one before it ends', async () => {
    const lock = await take();
    const next = take({ patienceMs: 20_000 });
    await lock.close();
    const second = await next;
    expect(await holders()).toHaveLength(1);
    await second.close();
  });

  test('is taken again after its connection was lost', async () => {
    const onTaken = vi.fn<(error: DatabaseInUseError) => void>();
    const lock = await take({ onTaken });
    const [before] = await holders();
    await testDatabase.cutConnections();
    await vi.waitFor(async () => {
      const [now] = await holders();
      expect(now?.pid).toBeDefined();
      expect(now?.pid).not.toBe(before?.pid);
    }, patience);
    await expect(take()).rejects.toMatchObject({ code: 'DATABASE_IN_USE' });
    expect(onTaken).not.toHaveBeenCalled();
    await lock.close();
  });

  test('that another took meanwhile is told once, and is not fought for', async () => {
    const onTaken = vi.fn<(error: DatabaseInUseError) => void>();
    // Slow to come back, so that the other is there first.
    const lock = await take({ onTaken, retryMs: 500 });
    const other = take({ patienceMs: 20_000, retryMs: 1 });
    await vi.waitFor(async () => expect(await holders()).toHaveLength(1), patience);
    const [first] = await holders();
    await ask(`select pg_terminate_backend(${first?.pid ?? 0})`);
    const second = await other;
    await vi.waitFor(() => expect(onTaken).toHaveBeenCalledTimes(1), patience);
    expect(onTaken.mock.calls[0]?.[0].message).toContain(`process ${process.pid} on`);
    await lock.close();
    expect(await holders()).toHaveLength(1);
    await second.close();
  });
});

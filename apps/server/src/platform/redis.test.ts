// What Redis speeds up, with a real one: the bus and the counters, and both while it is away.

import { Redis } from 'ioredis';
import { afterEach, describe, expect, test, vi } from 'vitest';

import { createAttempts } from '../features/auth/index.js';
import { busConformance } from '../testing/bus-conformance.js';
import { createTestDatabase } from '../testing/postgres.js';
import { startTestRedis } from '../testing/redis.js';
import { createSilentLog } from '../testing/silent-log.js';
import { createSystemClock } from './clock.js';
import { createPostgresBus } from './postgres-bus.js';
import { openRedis, type RedisLine } from './redis.js';

const patience = { timeout: 20_000, interval: 20 };
const log = createSilentLog();
const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

const ready = (line: RedisLine) => vi.waitFor(() => expect(line.isReady()).toBe(true), patience);
const newRedis = async () => {
  const redis = await startTestRedis();
  open.push(redis.close);
  const line = async (): Promise<RedisLine> => {
    const opened = openRedis({ url: redis.path, prefix: 'test', log });
    open.push(opened.close);
    await ready(opened);
    return opened;
  };
  return { redis, line };
};

const createFixture = async () => {
  const redis = await startTestRedis();
  const lines = [1, 2].map(() => openRedis({ url: redis.path, prefix: 'test', log }));
  await Promise.all(lines.map(ready));
  const { database, connection, cutConnections, close } = await createTestDatabase();
  const clock = createSystemClock();
  const options = { connection, database, clock, log, heartbeatMs: 500, minRetryMs: 10 };
  const [bus, twin] = await Promise.all([
    createPostgresBus({ ...options, wire: lines[0]?.wire }),
    createPostgresBus({ ...options, wire: lines[1]?.wire }),
  ]);
  return {
    redis,
    bus,
    twin,
    database,
    interrupt: cutConnections,
    async close() {
      await bus.close();
      await twin.close();
      for (const line of lines) await line.close();
      await redis.close();
      await close();
    },
  };
};

busConformance('PostgreSQL and Redis', createFixture);

describe('the bus with Redis', () => {
  test('a message counts once, by whichever way it comes first', async () => {
    const fixture = await createFixture();
    open.push(fixture.close);
    const seen: unknown[] = [];
    fixture.twin.subscribe('quick', (notice) => seen.push(notice));
    const other = new Redis(fixture.redis.path);
    open.push(async () => other.disconnect());
    await other.publish('test:bus', 'quick\none\n{"n":1}');
    await other.publish('test:bus', 'quick\none\n{"n":1}');
    await other.publish('test:bus', 'not a message');
    await other.publish('test:bus', 'quick\ntwo\n{"n":2}');
    await vi.waitFor(() => expect(seen).toHaveLength(2), patience);
    expect(seen).toEqual([1, 2].map((n) => ({ kind: 'message', payload: { n } })));
  });

  test('killed and emptied, it takes nothing with it; back again, it carries again', async () => {
    const fixture = await createFixture();
    open.push(fixture.close);
    const seen: unknown[] = [];
    fixture.twin.subscribe('away', (notice) => notice.kind === 'message' && seen.push(notice.payload));
    await fixture.redis.kill();
    for (const n of [1, 2, 3]) await fixture.bus.publish('away', n);
    await fixture.database.transaction((trx) => fixture.bus.publishIn(trx, 'away', 4));
    await vi.waitFor(() => expect(seen).toEqual([1, 2, 3, 4]), patience);
    await fixture.redis.start();
    const other = new Redis(fixture.redis.path);
    open.push(async () => other.disconnect());
    await vi.waitFor(async () => expect(await other.publish('test:bus', 'away\nfive\n5')).toBe(2), patience);
    await fixture.bus.publish('away', 6);
    await vi.waitFor(() => expect(seen).toEqual([1, 2, 3, 4, 5, 6]), patience);
  });
});

describe('attempts to sign in', () => {
  const limits = { perAddress: 100, perAccount: 3, windowMs: 60_000 };
  const limited = expect.objectContaining({ code: 'rate_limited' }) as unknown;

  test('are counted for all servers together, and cleared for all', async () => {
    const { line } = await newRedis();
    const [one, two] = [await line(), await line()].map(({ client }) =>
      createAttempts(limits, { client, prefix: 'a' }),
    );
    await one?.count('10.0.0.1', 'ada');
    await two?.count('10.0.0.1', 'ada');
    await one?.count('10.0.0.1', 'ada');
    await expect(two?.count('10.0.0.1', 'ada')).rejects.toEqual(limited);
    await one?.clear('10.0.0.1', 'ada');
    await two?.count('10.0.0.1', 'ada');
  });

  test('are still counted, by each server, while Redis is away', async () => {
    const { redis, line } = await newRedis();
    const opened = await line();
    const attempts = createAttempts(limits, { client: opened.client, prefix: 'a' });
    await redis.kill();
    for (let count = 0; count < limits.perAccount; count += 1) await attempts.count('10.0.0.1', 'ada');
    await expect(attempts.count('10.0.0.1', 'ada')).rejects.toEqual(limited);
    await attempts.clear('10.0.0.1', 'ada');
    await redis.start();
    await ready(opened);
    await attempts.count('10.0.0.1', 'ada');
  });
});

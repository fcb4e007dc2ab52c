import { expect, test } from 'vitest';
import { busConformance } from '../testing/bus-conformance.js';
import { createTestDatabase } from '../testing/postgres.js';
import { createSilentLog } from '../testing/silent-log.js';
import { createSystemClock } from './clock.js';
import { createPostgresBus } from './postgres-bus.js';

async function createFixture() {
  const { database, connection, cutConnections, close } = await createTestDatabase();
  const options = {
    connection,
    database,
    clock: createSystemClock(),
    log: createSilentLog(),
    heartbeatMs: 500,
    minRetryMs: 10,
  };
  const [bus, twin] = await Promise.all([createPostgresBus(options), createPostgresBus(options)]);
  return {
    bus,
    twin,
    database,
    interrupt: cutConnections,
    async close() {
      await bus.close();
      await twin.close();
      await close();
    },
  };
}

busConformance('PostgreSQL', createFixture);

test('where PostgreSQL is not reachable the bus is refused at once', async () => {
  const { database, close } = await createTestDatabase();
  const connection = { url: 'postgres://nobody@127.0.0.1:1/none' };
  const options = { connection, database, clock: createSystemClock(), log: createSilentLog(), heartbeatMs: 1000 };
  await expect(createPostgresBus(options)).rejects.toThrow('ECONNREFUSED');
  await close();
});

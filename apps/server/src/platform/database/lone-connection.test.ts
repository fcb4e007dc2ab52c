import { createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { createTestDatabase, type TestDatabase } from '../../testing/postgres.js';
import { createLoneConnection } from './lone-connection.js';

let testDatabase: TestDatabase;
beforeAll(async () => {
  testDatabase = await createTestDatabase({ migrated: false });
});
afterAll(() => testDatabase.close());

test('it asks one after the other, and comes back after a loss', async () => {
  const line = createLoneConnection(testDatabase.connection, 20_000);
  const pids = await Promise.all(
    [1, 2, 3].map(() => line.query<{ pid: number }>('select pg_backend_pid() as pid', [])),
  );
  expect(new Set(pids.map(([row]) => row?.pid)).size).toBe(1);
  await testDatabase.cutConnections();
  let after: number | undefined;
  for (let tries = 0; after === undefined && tries < 3; tries += 1)
    after = await line.query<{ pid: number }>('select pg_backend_pid() as pid', []).then(
      ([row]) => row?.pid,
      () => undefined,
    );
  expect(after).not.toBe(pids[0]?.[0]?.pid);
  await expect(line.query('select no_such_column', [])).rejects.toThrow('no_such_column');
  expect(await line.query('select 1 as one', [])).toEqual([{ one: 1 }]);
  await line.close();
});

test('a database that does not answer is not waited for, and the connection to it is given up', async () => {
  const sockets: Socket[] = [];
  const silent = createServer((socket) => void sockets.push(socket.on('error', () => {})));
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const { port } = silent.address() as { port: number };
  const line = createLoneConnection({ url: `postgres://nobody@127.0.0.1:${port}/none` }, 200);
  await expect(line.query('select 1', [])).rejects.toThrow(/timeout/);
  await expect(line.query('select 1', [])).rejects.toThrow(/timeout/);
  expect(sockets).toHaveLength(2);
  await line.close();
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => silent.close(resolve));
});

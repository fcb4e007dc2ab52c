// The life of places with the real process driver and the gateway's real doors: folders of sockets that go, disks that
// end with their retention.

import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createProcessDriver, type Driver } from '@remote-claude/compute';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { createSessionHouse, testTiming, type SessionHouse } from '../../testing/session-house.js';
import { createDoors } from '../gateway/index.js';
import { createPlacesStore } from './store.js';

const patience = { timeout: 30_000, interval: 50 };
const timing = { ...testTiming, retryMs: 500, longestRetryMs: 1_000, stopGraceMs: 2_000 };

let house: SessionHouse;
let folder: string;
let driver: Driver;
beforeEach(async () => {
  house = await createSessionHouse();
  folder = await mkdtemp(join(tmpdir(), 'rc-'));
  await chmod(folder, 0o711);
  driver = createProcessDriver({
    dataDir: join(folder, 'd'),
    runDir: join(folder, 'r'),
    isolation: 'bubblewrap',
    uidRange: { first: 400_000 + process.pid, count: 1 },
    childEnv: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/nonexistent' },
  });
});
afterEach(async () => {
  for (const { sessionId } of await driver.list()) await driver.destroy(sessionId);
  await driver.close();
  await house.close();
  await rm(folder, { recursive: true, force: true });
});

/** A server's part in it: the reconciler and its doors; `close` leaves the place as a server that ends does. */
const newServer = (change: Parameters<SessionHouse['newPlaces']>[1] = {}) => {
  const doors = createDoors({ tokenOf: () => 'token', call: async () => {}, log: house.log });
  const places = house.newPlaces(driver, {
    gateway: doors,
    timing,
    environment: {
      runtime: {
        mounts: [],
        command: ['/bin/sleep', '100000'],
        claudePath: '/opt/claude/claude',
        ripgrepPath: '/opt/rg/rg',
        nodePath: '/opt/node/bin/node',
        sessionInitPath: '/opt/agent/session-init.sh',
      },
      settings: { orphanTimeoutMs: 3_600_000, gatewayWaitMs: 60_000, parkAfterMs: 600_000 },
      secrets: { agent: () => 'secret', gateway: () => 'token' },
    },
    ...change,
  });
  return {
    places,
    close: async () => {
      await places.close();
      await doors.closeAll();
    },
  };
};
const row = (id: string) => createPlacesStore(house.database).find(id);
const runFolder = async () => join(folder, 'r', (await readdir(join(folder, 'r')))[0] ?? 'none');

test('a folder that is away for a while: the reason is told, and the same place goes on', async () => {
  const ada = await house.person();
  const { id } = await house.sessions.create(ada, {});
  const first = newServer();
  await first.places.reconcile(id);
  const before = await row(id);
  expect(before?.handle).not.toBeNull();
  await first.close();
  const run = await runFolder();
  await rename(run, `${run}.away`);
  const second = newServer();
  await second.places.reconcile(id);
  const { reason } = await house.sessions.get(id);
  expect(reason).toContain('the folder of its sockets is gone');
  expect(reason).toContain('history are kept');
  await rename(`${run}.away`, run);
  await vi.waitFor(async () => expect((await house.sessions.get(id)).reason).toBeNull(), patience);
  expect((await row(id))?.placeId).toBe(before?.placeId);
  expect(existsSync(join(run, 'g', 'gateway.sock'))).toBe(true);
  await second.close();
});

test('a folder that is gone for good: another place on the same disk', async () => {
  const ada = await house.person();
  const { id } = await house.sessions.create(ada, {});
  const first = newServer();
  await first.places.reconcile(id);
  const before = await row(id);
  const file = join(folder, 'd', 'sessions', id, 'workspace', 'work.txt');
  await writeFile(file, 'done so far');
  await first.close();
  const run = await runFolder();
  await rm(run, { recursive: true });
  const second = newServer();
  await second.places.reconcileAll();
  await vi.waitFor(async () => {
    const now = await row(id);
    expect(now?.placeId).not.toBe(before?.placeId);
    expect(now?.handle ?? null).not.toBeNull();
  }, patience);
  await second.places.reconcile(id);
  expect((await driver.list()).map(({ placeId }) => placeId)).toEqual([(await row(id))?.placeId]);
  expect(existsSync(join(run, 'g', 'gateway.sock'))).toBe(true);
  expect(await readFile(file, 'utf8')).toBe('done so far');
  await second.close();
});

test('a place that was reached and stays silent: ended for certain, then another on the same disk', async () => {
  const ada = await house.person();
  const { id } = await house.sessions.create(ada, {});
  const running = async () => (await driver.list()).filter(({ sessionId }) => sessionId === id);
  const atStart: number[] = [];
  const start: Driver['start'] = async (spec, progress) => {
    atStart.push((await running()).length);
    return driver.start(spec, progress);
  };
  const server = newServer({
    driver: { ...driver, start },
    timing: { ...timing, deadMs: 200, heartbeatMs: 100, unreachableGraceMs: 500 },
  });
  await server.places.reconcile(id);
  const before = await row(id);
  const file = join(folder, 'd', 'sessions', id, 'workspace', 'work.txt');
  await writeFile(file, 'done so far');
  // As if an agent had answered in it, which is silent from now on.
  await house.database.transaction(async (trx) => {
    await house.events.lock(trx, id);
    await createPlacesStore(house.database).recordReached(trx, id, new Date());
    const words = { wanted: 'running', status: 'running', step: null, reason: null, next: null } as const;
    await house.events.record(trx, id, [{ type: 'place.changed', ...words }]);
  });
  await server.places.reconcile(id);
  await vi.waitFor(async () => {
    const now = await row(id);
    expect(now?.placeId).not.toBe(before?.placeId);
    expect(now?.handle ?? null).not.toBeNull();
  }, patience);
  expect(atStart).toEqual([0, 0]);
  expect((await running()).map(({ placeId }) => placeId)).toEqual([(await row(id))?.placeId]);
  expect(await readFile(file, 'utf8')).toBe('done so far');
  await server.close();
});

test('a folder that the server may not write to: told in words, and healed', async () => {
  const ada = await house.person();
  const { id } = await house.sessions.create(ada, {});
  await rm(join(folder, 'r'), { recursive: true, force: true });
  await writeFile(join(folder, 'r'), 'in the way');
  const server = newServer();
  await vi.waitFor(async () => {
    await server.places.reconcile(id);
    expect((await house.sessions.get(id)).shown).toBe('failed');
  }, patience);
  expect((await house.sessions.get(id)).reason).toContain('Start it again');
  await rm(join(folder, 'r'));
  await vi.waitFor(
    async () => expect(await house.sessions.get(id)).toMatchObject({ shown: 'starting', reason: null }),
    patience,
  );
  expect(await driver.list()).toHaveLength(1);
  await server.close();
});

test.skipIf(process.getuid?.() !== 0)('a uid is another session’s only when the disk is gone', async () => {
  const ada = await house.person();
  const { id: old } = await house.sessions.create(ada, {});
  const first = newServer();
  await first.places.reconcile(old);
  const disk = join(folder, 'd', 'sessions', old);
  const { uid } = await stat(join(disk, 'workspace'));
  await writeFile(join(disk, 'workspace', 'secret.txt'), 'of the old session');
  await house.sessions.terminate(old, ada);
  await first.places.reconcile(old);
  const { id: next } = await house.sessions.create(ada, {});
  await vi.waitFor(async () => expect((await house.sessions.get(next)).shown).toBe('failed'), patience);
  // There is one uid, and it is still the old session's.
  expect((await house.sessions.get(next)).reason).toContain('uids of the range are taken');
  expect(existsSync(join(disk, 'workspace', 'secret.txt'))).toBe(true);
  await first.close();
  const second = newServer({ timing: { ...timing, diskRetentionMs: 1 } });
  await second.places.reconcileAll();
  expect(existsSync(disk)).toBe(false);
  await vi.waitFor(async () => {
    await second.places.reconcile(next);
    expect((await row(next))?.handle ?? null).not.toBeNull();
  }, patience);
  expect((await stat(join(folder, 'd', 'sessions', next, 'workspace'))).uid).toBe(uid);
  await second.close();
});

// Sessions whose engine has no session-manager: they say so, go on when it is back, and are moved by hand.

import { randomUUID } from 'node:crypto';
import { createFakeDriver, createFakeWorld, type FakeWorld } from '@remote-claude/compute/testing';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';

import { createSessionHouse, type SessionHouse } from '../../testing/session-house.js';
import { createAdopt } from './adopt.js';
import { createElsewhere } from './elsewhere.js';
import { createElsewhereStore } from './elsewhere-store.js';

let house: SessionHouse;
let other: string;
let here: string;
beforeAll(async () => {
  house = await createSessionHouse();
});
afterAll(() => house.close());
beforeEach(() => {
  other = randomUUID();
  here = randomUUID();
});

const patience = { timeout: 20_000, interval: 20 };
const live = (world: FakeWorld, sessionId: string) =>
  [...world.places.values()].filter((place) => place.spec.sessionId === sessionId && place.status === 'running');
const row = (sessionId: string) =>
  house.database.db.selectFrom('sessions').selectAll().where('id', '=', sessionId).executeTakeFirstOrThrow();

const serve = (engine: string, world: FakeWorld) => {
  const predecessor = { read: async () => null, write: async () => {} };
  const leases = house.newLeases({ engine, predecessor });
  const places = house.newPlaces(createFakeDriver({ world }), { leases });
  return { ...places, claim: leases.owner };
};
const watch = (graceMs = 0) =>
  createElsewhere({ ...house, store: createElsewhereStore(house.database), everyMs: 60_000, graceMs });
const placed = (id: string) => vi.waitFor(async () => expect((await row(id)).place_handle).not.toBeNull(), patience);

/** One that runs, one that is stopped, on an engine whose manager has ended. */
const leave = async () => {
  const world = createFakeWorld();
  const ada = await house.person();
  const manager = serve(other, world);
  await manager.claim();
  const [runs, stopped] = [await house.sessions.create(ada, {}), await house.sessions.create(ada, {})];
  for (const { id } of [runs, stopped]) await placed(id);
  await house.sessions.stop(stopped.id, ada);
  await vi.waitFor(async () => expect((await house.sessions.get(stopped.id)).shown).toBe('stopped'), patience);
  await manager.close();
  return { ada, world, runs: runs.id, stopped: stopped.id };
};

test('a session says that its engine is not here, and goes on when it is back', async () => {
  const { ada, world, runs, stopped } = await leave();
  const elsewhere = watch();
  await elsewhere.look();
  expect(await house.sessions.get(runs)).toMatchObject({
    shown: 'unreachable',
    reason: expect.stringMatching(/engine that is not here\. It may still be running there\..*remote-claude engine/),
  });
  expect(await house.sessions.get(stopped)).toMatchObject({ shown: 'stopped', reason: null });
  expect(elsewhere.warnings()).toEqual([expect.stringContaining('2 sessions have their disks on an engine')]);
  await house.sessions.start(stopped, ada);
  await elsewhere.look();
  expect(await house.sessions.get(stopped)).toMatchObject({
    shown: 'starting',
    step: 'Waiting for its engine',
    reason: expect.stringContaining('engine that is not here'),
  });
  const { head } = await row(stopped);
  await elsewhere.look();
  expect((await row(stopped)).head).toBe(head);
  const [placeBefore] = live(world, runs);
  const back = serve(other, world);
  await back.reconcileAll();
  await vi.waitFor(() => expect(live(world, stopped)).toHaveLength(1), patience);
  expect(live(world, runs)).toEqual([placeBefore]);
  await elsewhere.look();
  expect([elsewhere.isAway(), elsewhere.warnings()]).toEqual([false, []]);
  expect((await house.sessions.get(stopped)).reason).toBeNull();
  await back.close();
  await elsewhere.close();
});

test('an engine whose manager is just being started again is not called away, and a stop is settled without it', async () => {
  const { ada, runs, stopped } = await leave();
  const patient = watch(3_600_000);
  await patient.look();
  await patient.look();
  expect((await house.sessions.get(runs)).reason).toBeNull();
  expect(patient.warnings()).toEqual([]);
  await house.sessions.start(stopped, ada);
  await house.sessions.stop(stopped, ada);
  await house.sessions.stop(runs, ada);
  const elsewhere = watch();
  await elsewhere.look();
  expect((await house.sessions.get(stopped)).shown).toBe('stopped');
  expect(await house.sessions.get(runs)).toMatchObject({
    shown: 'stopping',
    reason: expect.stringContaining('It stops when that engine is back.'),
  });
  await Promise.all([patient.close(), elsewhere.close()]);
});

test('the sessions of an engine that is gone are moved: they start where their disk is, and say where it is not', async () => {
  const { world: before, runs, stopped } = await leave();
  const turnId = randomUUID() as never;
  await house.events.append(runs, [{ source: 'j', n: 1, event: { type: 'turn.started', turnId, messageIds: [] } }], {
    by: 'agent',
  });
  const epoch = (await row(runs)).epoch;
  const { adopt } = createAdopt({ ...house, store: createElsewhereStore(house.database), engine: here });
  expect(await adopt({ from: other, restored: false })).toBe(2);
  expect(await adopt({ from: other, restored: false })).toBe(0);
  expect(await row(runs)).toMatchObject({ engine: here, epoch, place_id: null, place_handle: null, lease_owner: null });
  const { state } = await house.events.head(runs);
  expect([state.turn, state.lastTurn]).toMatchObject([null, { turnId, outcome: 'interrupted' }]);
  // The disk of one of them was brought.
  const world = createFakeWorld();
  world.disks.add(runs);
  const ada = await house.person();
  const manager = serve(here, world);
  await house.sessions.start(stopped, ada);
  await manager.reconcileAll();
  await vi.waitFor(() => expect(live(world, runs)).toHaveLength(1), patience);
  await vi.waitFor(async () => expect((await house.sessions.get(stopped)).shown).toBe('failed'), patience);
  expect((await house.sessions.get(stopped)).reason).toContain('disk');
  expect(world.disks).toEqual(new Set([runs]));
  expect(before.disks.has(runs)).toBe(true);
  await manager.close();
  const audited = await house.database.db
    .selectFrom('audit_logs')
    .select('details')
    .where('session_id', '=', runs)
    .where('action', '=', 'sessions.adopt')
    .execute();
  expect(audited).toEqual([{ details: { from: other, to: here, restored: false } }]);
});

test('what has a manager again by the time it is locked is not moved', async () => {
  const { world, runs, stopped } = await leave();
  const store = createElsewhereStore(house.database);
  const back = serve(other, world);
  const found = async (engine: string | null) => {
    const sessions = await store.sessionsOf(engine);
    await back.claim();
    return sessions;
  };
  const { adopt } = createAdopt({ ...house, store: { ...store, sessionsOf: found }, engine: here });
  expect(await adopt({ from: other, restored: false })).toBe(0);
  for (const id of [runs, stopped]) expect((await row(id)).engine).toBe(other);
  await back.close();
});

test('after a restore all sessions are on this engine, and whoever reads them begins anew', async () => {
  const { runs, stopped } = await leave();
  const epochs = [(await row(runs)).epoch, (await row(stopped)).epoch];
  const { adopt } = createAdopt({ ...house, store: createElsewhereStore(house.database), engine: here });
  expect(await adopt({ from: null, restored: true })).toBeGreaterThanOrEqual(2);
  const after = [await row(runs), await row(stopped)];
  expect(after.map(({ engine }) => engine)).toEqual([here, here]);
  expect(after.map(({ place_id: place }) => place)).toEqual([null, null]);
  for (const { epoch } of after) expect(epochs).not.toContain(epoch);
  const rows = await house.database.db.selectFrom('sessions').select('engine').where('engine', '!=', here).execute();
  expect(rows).toEqual([]);
});

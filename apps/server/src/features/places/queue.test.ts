// More sessions than places: who waits, in which order, what they are told, and who wakes them; with one manager and several.

import { randomUUID } from 'node:crypto';
import { createFakeDriver, createFakeWorld, type FakeWorld } from '@remote-claude/compute/testing';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';

import { createMortal } from '../../testing/mortal.js';
import { createSessionHouse, testTiming, type SessionHouse } from '../../testing/session-house.js';
import type { LeasesDeps, PlacesDeps } from './index.js';
import { createPlacesStore } from './store.js';

type Person = Awaited<ReturnType<SessionHouse['person']>>;
let house: SessionHouse;
let ada: Person;
let engine: string;
const open: { close(): Promise<void> }[] = [];
beforeAll(async () => {
  house = await createSessionHouse();
  ada = await house.person();
  engine = randomUUID();
});
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
  // Each test has sessions and places of its own.
  engine = randomUUID();
});
afterAll(() => house.close());

const patience = { timeout: 20_000, interval: 20 };

/** A manager beside others, whose own rounds are too far apart to move the line. */
const newManager = (world: FakeWorld, capacity: number, change: Partial<PlacesDeps> = {}) => {
  const predecessor: LeasesDeps['predecessor'] = { read: async () => null, write: async () => {} };
  const leases = house.newLeases({ predecessor, engine });
  const driver = createFakeDriver({ world });
  const places = house.newPlaces(driver, {
    leases,
    capacity,
    timing: { ...testTiming, reconcileMs: 3_600_000 },
    ...change,
  });
  open.push(places);
  return { leases, driver, places };
};
type Manager = ReturnType<typeof newManager>;

/** Made one after the other, each looked at by one of the managers before the next is made. */
const newSessions = async (count: number, managers: readonly Manager[]): Promise<string[]> => {
  const ids: string[] = [];
  for (let number = 0; number < count; number += 1) {
    const { id } = await house.sessions.create(ada, { name: `Number ${number}` });
    ids.push(id);
    await managers[number % managers.length]?.places.reconcile(id);
    await vi.waitFor(async () => expect((await row(id)).fence.owner).not.toBeNull(), patience);
  }
  return ids;
};
const row = async (sessionId: string) => {
  const found = await createPlacesStore(house.database).find(sessionId);
  if (found === null) throw new Error('no such session');
  return found;
};
const placeOf = async (sessionId: string): Promise<string> => (await row(sessionId)).placeId ?? 'none';
const shown = async (sessionId: string) => (await house.sessions.get(sessionId)).shown;
const reason = async (sessionId: string) => (await row(sessionId)).state.place.reason;
const live = (world: FakeWorld): string[] =>
  [...world.places.values()].filter(({ status }) => status === 'running').map(({ spec }) => spec.sessionId);
const untilLive = (world: FakeWorld, ids: readonly (string | undefined)[]) =>
  vi.waitFor(() => expect(live(world).toSorted()).toEqual(ids.toSorted()), patience);
const taken = (position: string, capacity: number) =>
  `${position} in line: ${capacity} of ${capacity} ${capacity === 1 ? 'place is' : 'places are'} taken.`;
const untilTold = (id: string | undefined, words: string | null) =>
  vi.waitFor(async () => expect(await reason(id ?? '')).toBe(words), patience);
const placeEvents = async (sessionId: string) =>
  (await house.events.read(sessionId, { after: 0 }, 500)).flatMap(({ event }) =>
    event.type === 'place.changed' ? [`${event.status} ${event.reason ?? event.step}`] : [],
  );

describe('when there is no room', () => {
  test('a session waits in sight, with its place in line and what to do, and starts as soon as one ends', async () => {
    const world = createFakeWorld();
    const [first, second, third, fourth] = await newSessions(4, [newManager(world, 2)]);
    await untilLive(world, [first, second]);
    await untilTold(third, taken('1st', 2));
    await untilTold(fourth, taken('2nd', 2));
    const waiting = await house.sessions.get(fourth ?? '');
    expect(waiting).toMatchObject({ shown: 'queued', status: 'starting', wanted: 'running' });
    expect(waiting.reason).toBe(
      `${taken('2nd', 2)} It starts by itself when its turn comes. Stop a session of yours that you do not need, and the line moves on.`,
    );
    await house.sessions.stop(first ?? '', ada);
    await untilLive(world, [second, third]);
    await untilTold(fourth, taken('1st', 2));
    await createFakeDriver({ world }).end(await placeOf(second ?? ''), 137);
    await house.sessions.terminate(second ?? '', ada);
    await untilLive(world, [third, fourth]);
    await vi.waitFor(async () => expect((await row(fourth ?? '')).handle).not.toBeNull(), patience);
    // Said when it came into the line, when it moved on, and when its turn came.
    expect(await placeEvents(fourth ?? '')).toEqual([
      'none Waiting to be started',
      `queued ${taken('2nd', 2)}`,
      `queued ${taken('1st', 2)}`,
      'starting Making a place',
      'starting Pretending',
    ]);
  });

  test('one that is stopped or terminated while it waits leaves the line; started again, it stands at its end', async () => {
    const world = createFakeWorld();
    const [first, second, third, fourth, fifth] = await newSessions(5, [newManager(world, 1)]);
    await untilTold(fifth, taken('4th', 1));
    await house.sessions.stop(second ?? '', ada);
    await house.sessions.terminate(third ?? '', ada);
    await untilTold(fifth, taken('2nd', 1));
    await untilTold(fourth, taken('1st', 1));
    expect([await shown(second ?? ''), await shown(third ?? '')]).toEqual(['stopped', 'terminated']);
    await house.sessions.start(second ?? '', ada);
    await untilTold(second, taken('3rd', 1));
    expect(live(world)).toEqual([first]);
    for (const [ends, follows] of [
      [first, fourth],
      [fourth, fifth],
      [fifth, second],
    ]) {
      await house.sessions.stop(ends ?? '', ada);
      await untilLive(world, [follows]);
    }
  });

  test('a session whose place died is before all who were wanted later', async () => {
    const world = createFakeWorld();
    const manager = newManager(world, 2);
    const [first, second, third] = await newSessions(3, [manager]);
    await untilTold(third, taken('1st', 2));
    const before = await placeOf(first ?? '');
    await createFakeDriver({ world }).end(before, 137);
    await manager.places.reconcile(first ?? '');
    await vi.waitFor(async () => expect([before, 'none']).not.toContain(await placeOf(first ?? '')), patience);
    await untilLive(world, [first, second]);
    expect(await reason(third ?? '')).toBe(taken('1st', 2));
  });

  test('places that are there are never ended for it: after a restart, nor when it is lowered', async () => {
    const world = createFakeWorld();
    const before = newManager(world, 3);
    const running = await newSessions(3, [before]);
    await untilLive(world, running);
    await before.places.close();
    const after = newManager(world, 1);
    await after.places.reconcileAll();
    const [next] = await newSessions(1, [after]);
    await untilTold(next, taken('1st', 1));
    await after.places.reconcileAll();
    expect(live(world).toSorted()).toEqual(running.toSorted());
    expect(after.driver.calls.filter(({ verb }) => verb === 'start' || verb === 'stop')).toEqual([]);
    const [first, second, third] = running;
    await house.sessions.stop(first ?? '', ada);
    await house.sessions.stop(second ?? '', ada);
    await untilLive(world, [third]);
    await after.places.reconcileAll();
    expect(await reason(next ?? '')).toBe(taken('1st', 1));
    await house.sessions.stop(third ?? '', ada);
    await untilLive(world, [next]);
  });

  test('a place that was given away when its server died is still given away', async () => {
    const world = createFakeWorld();
    // Killed when it asks for the place, before the engine has heard of it.
    const mortal = createMortal(Infinity);
    const clock = mortal.clock(house.clock);
    const bus = mortal.bus(house.bus);
    const leases = house.newLeases({ engine, clock, bus, store: mortal.leases(house.newLeaseStore()) });
    const dying = { ...createFakeDriver({ world }), start: mortal.kill };
    house.newPlaces(dying, { leases, clock, bus, capacity: 1 });
    const { id: first } = await house.sessions.create(ada, {});
    await mortal.died;
    const given = await placeOf(first);
    await house.database.db
      .updateTable('sessions')
      .set((eb) => ({ lease_owner: null, lease_fence: eb('lease_fence', '+', 1) }))
      .where('id', '=', first)
      .execute();
    const next = newManager(world, 1);
    const [second] = await newSessions(1, [next]);
    await untilTold(second, taken('1st', 1));
    await next.places.reconcile(first);
    await untilLive(world, [first]);
    expect([given, world.places.size]).toEqual([await placeOf(first), 1]);
  });
});

describe('several managers on one engine', () => {
  test('many sessions at once race for the last places: so many start and no more, and each of the others knows its turn', async () => {
    const world = createFakeWorld();
    const managers = [newManager(world, 3), newManager(world, 3), newManager(world, 3)];
    const ids = await Promise.all(Array.from({ length: 12 }, async () => (await house.sessions.create(ada, {})).id));
    await Promise.all(managers.flatMap(({ places }) => ids.map((id) => places.reconcile(id))));
    await vi.waitFor(async () => {
      const told = (await Promise.all(ids.map(reason))).filter((words) => words !== null);
      expect(new Set(told).size).toBe(9);
    }, patience);
    expect(live(world)).toHaveLength(3);
    expect(managers.flatMap(({ driver }) => driver.calls).filter(({ verb }) => verb === 'start')).toHaveLength(3);
  });

  test('a place that another is just giving away is not given away twice, not even to one who comes before', async () => {
    const store = createPlacesStore(house.database);
    const { id: first } = await house.sessions.create(ada, {});
    const { id: second } = await house.sessions.create(ada, {});
    await house.database.db.updateTable('sessions').set({ engine }).where('id', '=', second).execute();
    let commit = (): void => {};
    const isAskedFor = new Promise<void>((resolve) => (commit = resolve));
    let given = (): void => {};
    const isGiven = new Promise<void>((resolve) => (given = resolve));
    const giving = house.database.transaction(async (trx) => {
      await store.line.lock(trx, engine);
      await store.begin(trx, second, randomUUID(), house.clock.now());
      given();
      await isAskedFor;
    });
    await isGiven;
    const world = createFakeWorld();
    const { places } = newManager(world, 1);
    const looking = places.reconcile(first);
    await vi.waitFor(async () => {
      const { rows } = await sql`select 1 from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock' and query like 'insert into "engines"%'`.execute(
        house.database.db,
      );
      expect(rows).toHaveLength(1);
    }, patience);
    commit();
    await Promise.all([giving, looking]);
    await untilTold(first, taken('1st', 1));
    await places.reconcile(second);
    await untilLive(world, [second]);
  });

  test('they start in the order in which they were wanted, whoever has them, woken by nothing but the place that ends', async () => {
    const world = createFakeWorld();
    const managers = [newManager(world, 1), newManager(world, 1)];
    const ids = await newSessions(6, managers);
    await untilTold(ids.at(-1), taken('5th', 1));
    for (const [index, id] of ids.entries()) {
      await untilLive(world, [id]);
      // Nobody is told to look at the next one.
      if (index % 2 === 0) await house.sessions.stop(id, ada);
      else await house.sessions.terminate(id, ada);
    }
    const order = managers.flatMap(({ driver }) => driver.calls).filter(({ verb }) => verb === 'start');
    expect(order).toHaveLength(6);
  });

  test('a session that another manager has is woken there', async () => {
    const world = createFakeWorld();
    const one = newManager(world, 1);
    const [first] = await newSessions(1, [one]);
    await untilLive(world, [first]);
    const { id: second } = await house.sessions.create(ada, {});
    await untilTold(second, taken('1st', 1));
    const other = newManager(world, 1);
    await house.database.db
      .updateTable('sessions')
      .set({ lease_owner: await other.leases.owner(), lease_fence: 7 })
      .where('id', '=', second)
      .execute();
    await other.places.reconcile(second);
    await house.sessions.stop(first ?? '', ada);
    await untilLive(world, [second]);
    expect(other.driver.calls.filter(({ verb }) => verb === 'start')).toHaveLength(1);
  });
});

describe('an engine that has no room itself', () => {
  const quick = { timing: { ...testTiming, reconcileMs: 3_600_000, longestRetryMs: 100 } };
  const refusal = 'The pretended engine has no room for another place.';

  test('is waited for: the next one starts when a place ends, and nobody has failed however often it was asked', async () => {
    const world = createFakeWorld();
    const manager = newManager(world, 10, quick);
    manager.driver.behave({ room: 2 });
    const [first, second, third, fourth] = await newSessions(4, [manager]);
    await untilTold(third, `1st in line: ${refusal}`);
    await untilTold(fourth, `2nd in line: ${refusal}`);
    const { head } = await house.sessions.get(third ?? '');
    const asked = () => manager.driver.calls.filter(({ verb }) => verb === 'start').length;
    const before = asked();
    await vi.waitFor(() => expect(asked()).toBeGreaterThan(before + 5), patience);
    expect(await house.sessions.get(third ?? '')).toMatchObject({ shown: 'queued', head });
    // One may be under way.
    expect((await row(third ?? '')).attempts).toBeLessThanOrEqual(1);
    await house.sessions.stop(first ?? '', ada);
    await untilLive(world, [second, third]);
    await untilTold(fourth, `1st in line: ${refusal}`);
  });

  test('is asked again for one, and lets in the others too when it has room again', async () => {
    const world = createFakeWorld();
    const managers = [newManager(world, 10, quick), newManager(world, 10, quick)];
    for (const { driver } of managers) driver.behave({ room: 1 });
    const ids = await newSessions(5, managers);
    await untilTold(ids.at(-1), `4th in line: ${refusal}`);
    expect(live(world)).toEqual([ids[0]]);
    for (const { driver } of managers) driver.behave({ room: 4 });
    await untilLive(world, ids.slice(0, 4));
    for (const { driver } of managers) driver.behave({ room: null });
    await untilLive(world, ids);
    await vi.waitFor(
      async () => expect(await Promise.all(ids.map(shown))).toEqual(ids.map(() => 'starting')),
      patience,
    );
    // Once nobody waits it is forgotten: all of those who come find room at once.
    const more = await Promise.all([0, 1, 2].map(async () => (await house.sessions.create(ada, {})).id));
    await untilLive(world, [...ids, ...more]);
    for (const id of more) expect((await placeEvents(id)).filter((said) => said.startsWith('queued'))).toEqual([]);
  });
});

test('a long line that moves on by one is told to few', async () => {
  const world = createFakeWorld();
  newManager(world, 1);
  const ids = await Promise.all(Array.from({ length: 56 }, async () => (await house.sessions.create(ada, {})).id));
  const told = () => Promise.all(ids.map(reason));
  /** How many are told what, the first ten apart. */
  const bands = async (): Promise<number[]> => {
    const words = await told();
    return [10, 20, 30, 40, 50].map(
      (least) =>
        words.filter((one) => one === `Behind at least ${least} others in line: 1 of 1 place is taken.`).length,
    );
  };
  const heads = () => Promise.all(ids.map(async (id) => (await house.sessions.get(id)).head));
  await vi.waitFor(async () => expect(await bands()).toEqual([10, 10, 10, 10, 5]), patience);
  await vi.waitFor(async () => expect(await told()).toContain(taken('10th', 1)), patience);
  const before = await heads();
  const tenth = ids[(await told()).indexOf(taken('10th', 1))];
  const [first] = live(world);
  await house.sessions.stop(first ?? '', ada);
  await untilTold(tenth, taken('9th', 1));
  await vi.waitFor(async () => expect(await bands()).toEqual([10, 10, 10, 10, 4]), patience);
  const after = await heads();
  const changed = ids.filter((id, index) => id !== first && after[index] !== before[index]);
  // Whose turn it was, nine of the first ten, and one at the end of each band.
  expect(changed.length).toBeLessThanOrEqual(1 + 9 + 5);
});

// More sessions than places, and servers that are killed between any two of their steps, several of them at once: however they
// die, there are never more places than there may be, and in the end exactly as many, with the others in their order.

import { randomUUID } from 'node:crypto';
import { createFakeDriver, createFakeWorld } from '@remote-claude/compute/testing';
import { ComputeError, type Driver } from '@remote-claude/compute';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';

import { createMortal, mulberry32 } from '../../testing/mortal.js';
import { createSessionHouse, testTiming, type SessionHouse } from '../../testing/session-house.js';
import type { LeasesDeps } from './index.js';
import { lineWords } from './line.js';
import { createPlacesStore } from './store.js';

let house: SessionHouse;
beforeAll(async () => {
  house = await createSessionHouse();
});
afterAll(() => house.close());

const patience = { timeout: 30_000, interval: 20 };
const timing = { ...testTiming, retryMs: 1, longestRetryMs: 20, maxAttempts: 1_000_000, reconcileMs: 3_600_000 };
const faults = ['kill a place', 'stop', 'start', 'terminate', 'add', 'refuse', 'nothing', 'nothing'] as const;

const newCase = async (random: () => number) => {
  const ada = await house.person('Property');
  const world = createFakeWorld();
  const capacity = 1 + Math.floor(random() * 3);
  const engine = randomUUID();
  const ids: string[] = [];
  const told: string[] = [];
  const wrong: string[] = [];
  let hasRoom = true;

  const live = (): string[] =>
    [...world.places.values()].filter(({ status }) => status === 'running').map(({ spec }) => spec.sessionId);
  const pick = (): string => ids[Math.floor(random() * ids.length)] ?? '';
  const add = async (): Promise<void> => void ids.push((await house.sessions.create(ada, {})).id);

  const serve = (points: number) => {
    const mortal = createMortal(points);
    const clock = mortal.clock(house.clock);
    const bus = mortal.bus(house.bus);
    const predecessor: LeasesDeps['predecessor'] = { read: async () => null, write: async () => {} };
    const leases = house.newLeases({ predecessor, engine, store: mortal.leases(house.newLeaseStore()), clock, bus });
    const driver = createFakeDriver({ world });
    const start: Driver['start'] = async (...given) => {
      if (!hasRoom) throw new ComputeError('no_room', 'There is no room.');
      const started = await driver.start(...given);
      if (live().length > capacity)
        wrong.push(`${live().length} places run where ${capacity} may, after: ${told.join(', ')}`);
      return started;
    };
    const places = house.newPlaces(mortal.driver({ ...driver, start }), {
      leases,
      capacity,
      database: mortal.database(house.database),
      store: mortal.store(createPlacesStore(house.database)),
      gateway: mortal.gateway(),
      bus,
      clock,
      timing,
    });
    return { mortal, places, owner: leases.owner };
  };

  const inject = async (): Promise<void> => {
    const fault = faults[Math.floor(random() * faults.length)] ?? 'nothing';
    told.push(fault);
    hasRoom = fault !== 'refuse';
    const [first] = world.places.keys();
    if (fault === 'kill a place' && first !== undefined) await createFakeDriver({ world }).end(first, 137);
    if (fault === 'stop') await house.sessions.stop(pick(), ada).catch(() => {});
    if (fault === 'start') await house.sessions.start(pick(), ada).catch(() => {});
    if (fault === 'terminate' && random() < 0.3) await house.sessions.terminate(pick(), ada);
    if (fault === 'add') await add();
  };
  const bury = async (): Promise<void> => {
    await house.database.db.deleteFrom('managers').where('engine', '=', engine).execute();
  };
  for (let number = 0; number < 5; number += 1) await add();
  return { engine, capacity, ids, told, wrong, live, serve, inject, bury, makeRoom: () => (hasRoom = true) };
};

const runCase = async (random: () => number): Promise<string[]> => {
  const one = await newCase(random);
  for (let turn = 0; turn < 3; turn += 1) {
    const servers = [0, 1].map(() => one.serve(5 + Math.floor(random() * 120)));
    one.told.push('two servers');
    for (let step = 0; step < 40 && servers.some(({ mortal }) => !mortal.isDead()); step += 1) {
      await one.inject();
      for (const { mortal, places } of servers)
        if (!mortal.isDead()) await Promise.race([places.reconcileAll(), mortal.died]);
    }
    for (const { mortal } of servers) void mortal.kill();
    await one.bury();
  }
  one.makeRoom();
  const { places } = one.serve(Infinity);
  await vi.waitFor(async () => {
    await places.reconcileAll();
    expect(await problemsOf(one)).toEqual([]);
  }, patience);
  await places.close();
  return one.wrong;
};

/** What is not as it must be when all has come to rest. */
const problemsOf = async ({ ids, capacity, live }: Awaited<ReturnType<typeof newCase>>): Promise<string[]> => {
  const rows = await house.database.db
    .selectFrom('sessions')
    .select(['id', 'wanted', 'place_id', 'place_reason'])
    .where('id', 'in', ids)
    .orderBy('wanted_at')
    .orderBy('id')
    .execute();
  const wanted = rows.filter((row) => row.wanted === 'running');
  const waiting = wanted.filter((row) => row.place_id === null);
  const expected = Math.min(capacity, wanted.length);
  const problems: string[] = [];
  if (live().length !== expected) problems.push(`${live().length} places run instead of ${expected}`);
  for (const id of live())
    if (!wanted.some((row) => row.id === id && row.place_id !== null)) problems.push(`${id} runs and should not`);
  for (const [ahead, { place_reason: reason }] of waiting.entries())
    if (reason?.split(':')[0] !== lineWords({ capacity, ahead, refusal: null }).reason.split(':')[0])
      problems.push(`the one behind ${ahead} is told: ${reason}`);
  return problems;
};

const seed = Date.now() % 2 ** 31;

test(`there are never more places than there may be, and in the end as many (seed ${seed})`, async () => {
  for (let number = 0; number < 6; number += 1) {
    const wrong = await runCase(mulberry32(seed + number));
    expect(wrong, `seed ${seed + number}`).toEqual([]);
  }
}, 300_000);

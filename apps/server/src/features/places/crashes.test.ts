// The reconciler against a server that is killed between any two of its steps: before and after each call of the driver,
// inside and after each transaction. Cases come from a seed, which is printed and can be set here to see one again.

import { randomUUID } from 'node:crypto';
import { createFakeDriver, createFakeWorld, type FakeWorld } from '@remote-claude/compute/testing';
import type { Driver } from '@remote-claude/compute';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { createMortal, mulberry32 } from '../../testing/mortal.js';
import { createSessionHouse, testTiming, type SessionHouse } from '../../testing/session-house.js';
import type { Places } from './index.js';
import { createPlacesStore } from './store.js';

let house: SessionHouse;
beforeAll(async () => {
  house = await createSessionHouse();
});
afterAll(() => house.close());

const cases = 20;
const timing = { ...testTiming, retryMs: 0, longestRetryMs: 0, maxAttempts: 1_000_000, diskRetentionMs: 3_600_000 };

const row = async (sessionId: string) => {
  const found = await createPlacesStore(house.database).find(sessionId);
  if (found === null) throw new Error('no such session');
  return found;
};
const liveOf = (world: FakeWorld, sessionId: string): string[] =>
  [...world.places.values()]
    .filter(({ spec, status }) => spec.sessionId === sessionId && status === 'running')
    .map(({ spec }) => spec.placeId);

const faults = [
  'kill the place',
  'forget the handle',
  'forget the place',
  'add a place',
  'stop',
  'start',
  'nothing',
] as const;

/** One session, one engine, and servers that die; what happened is kept for the message of a failure. */
const newCase = async () => {
  const ada = await house.person('Property');
  const world = createFakeWorld();
  const told: string[] = [];
  const wrong: string[] = [];
  /** Ran when a stop was wished that no look has seen through yet: it may be stopped although a start was wished since. */
  let mayStop = new Set<string>();
  const { id } = await house.sessions.create(ada, {});

  /** The engine, which sees what is asked of it whoever asks. */
  const engine = (): Driver => {
    const driver = createFakeDriver({ world });
    return {
      ...driver,
      async stop(handle, options) {
        const { placeId } = handle as { placeId: string };
        const { wanted, placeId: recorded } = await row(id);
        const isLive = liveOf(world, id).includes(placeId);
        if (wanted === 'running' && recorded === placeId && isLive && !mayStop.has(placeId))
          wrong.push(`a live place that is wanted was stopped after: ${told.join(', ')}`);
        return driver.stop(handle, options);
      },
    };
  };

  /** `fallsAt` start: it is killed when it asks for a place, before the engine has heard of it. */
  const serve = (points: number, fallsAt: 'start' | null = null) => {
    const mortal = createMortal(points);
    const clock = mortal.clock(house.clock);
    const leases = house.newLeases({ store: mortal.leases(house.newLeaseStore()), clock, bus: mortal.bus(house.bus) });
    const driver = mortal.driver(engine());
    const start: Driver['start'] = (...given) => (fallsAt === null ? driver.start(...given) : mortal.kill());
    const places = house.newPlaces(
      { ...driver, start },
      {
        leases,
        database: mortal.database(house.database),
        store: mortal.store(createPlacesStore(house.database)),
        gateway: mortal.gateway(),
        bus: mortal.bus(house.bus),
        clock,
        timing,
      },
    );
    return { mortal, places };
  };
  const inject = async (fault: (typeof faults)[number]): Promise<void> => {
    const { placeId } = await row(id);
    const set = (columns: Record<string, null>) =>
      house.database.db.updateTable('sessions').set(columns).where('id', '=', id).execute();
    if (fault === 'kill the place' && placeId !== null) await createFakeDriver({ world }).end(placeId, 137);
    if (fault === 'forget the handle') await set({ place_handle: null, place_doors: null });
    if (fault === 'forget the place') await set({ place_id: null, place_handle: null, place_doors: null });
    if (fault === 'stop') mayStop = new Set(liveOf(world, id));
    if (fault === 'stop') await house.sessions.stop(id, ada);
    if (fault === 'start') await house.sessions.start(id, ada);
    if (fault === 'add a place') {
      const other = randomUUID();
      const limits = { cpus: 1, memoryBytes: 1, processes: 1, openFiles: 1 };
      const spec = { sessionId: id, placeId: other, disk: 'new' as const, command: ['idle'], environment: {}, limits };
      world.places.set(other, { spec, status: 'running', reason: null, exitCode: null });
    }
  };

  const seenThrough = (): void => mayStop.clear();

  return { id, world, told, wrong, serve, inject, seenThrough };
};

const runCase = async (random: () => number): Promise<string[]> => {
  const { id, world, told, wrong, serve, inject, seenThrough } = await newCase();
  for (let turn = 0; turn < 4; turn += 1) {
    // Short lives end in the middle of a start or a stop; a long one sees all of it through.
    const points = 1 + Math.floor(random() * 45);
    const { mortal, places } = serve(points);
    told.push(`a server for ${points} points`);
    while (!mortal.isDead()) {
      const fault = faults[Math.floor(random() * faults.length)] ?? 'nothing';
      told.push(fault);
      await inject(fault);
      await Promise.race([places.reconcileAll(), mortal.died]);
      await Promise.race([places.reconcile(id), mortal.died]);
      if (!mortal.isDead()) seenThrough();
    }
  }
  const { places } = serve(Infinity);
  wrong.push(...(await problemsAfterTwoRounds(places, world, id)).map((what) => `${what} after: ${told.join(', ')}`));
  await places.close();
  return wrong;
};

const problemsAfterTwoRounds = async (places: Places, world: FakeWorld, id: string): Promise<string[]> => {
  const before = await row(id);
  const kept =
    before.wanted === 'running' && before.placeId !== null && liveOf(world, id).includes(before.placeId)
      ? before.placeId
      : null;
  await places.reconcileAll();
  await places.reconcileAll();
  const after = await row(id);
  const live = liveOf(world, id);
  const problems: string[] = [];
  if (after.wanted === 'running') {
    if (live.length !== 1 || live[0] !== after.placeId)
      problems.push(`${live.length} places run, not the recorded one`);
    if ((after.handle as { placeId?: string } | null)?.placeId !== after.placeId)
      problems.push('the handle is not its');
    if (kept !== null && kept !== after.placeId) problems.push('a live place that was wanted is gone');
  } else if (live.length > 0 || after.placeId !== null || after.state.place.status !== 'stopped') {
    problems.push(`it is to be stopped, and ${live.length} places run, shown as ${after.state.place.status}`);
  }
  return problems;
};

describe('whatever dies, and whenever', () => {
  test('killed twice before the engine heard of a start, then stopped, started and stopped again', async () => {
    const { id, world, told, wrong, serve, inject } = await newCase();
    for (let time = 0; time < 2; time += 1) {
      const { mortal, places } = serve(Infinity, 'start');
      await Promise.race([places.reconcileAll(), mortal.died]);
      await mortal.died;
      expect(liveOf(world, id)).toEqual([]);
    }
    for (const fault of ['stop', 'start', 'stop'] as const) {
      told.push(fault);
      await inject(fault);
      const { places } = serve(Infinity);
      wrong.push(...(await problemsAfterTwoRounds(places, world, id)));
      await places.close();
    }
    expect(wrong).toEqual([]);
  });

  const seed = Date.now() % 2 ** 31;

  test(`two rounds make it right, and no live place that is wanted is removed (seed ${seed})`, async () => {
    for (let number = 0; number < cases; number += 1) {
      const wrong = await runCase(mulberry32(seed + number));
      expect(wrong, `seed ${seed + number}`).toEqual([]);
    }
  }, 300_000);
});

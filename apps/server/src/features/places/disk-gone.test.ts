import { createFakeDriver, createFakeWorld, type FakeWorld } from '@remote-claude/compute/testing';
import { ComputeError } from '@remote-claude/compute';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';

import { createSessionHouse, type SessionHouse } from '../../testing/session-house.js';
import type { Places } from './index.js';
import { createPlacesStore } from './store.js';

let house: SessionHouse;
beforeAll(async () => {
  house = await createSessionHouse();
});
afterAll(() => house.close());

const patience = { timeout: 20_000, interval: 20 };
const live = (world: FakeWorld, sessionId: string) =>
  [...world.places.values()].filter((place) => place.spec.sessionId === sessionId && place.status === 'running');
const hasDisk = async (sessionId: string) => (await createPlacesStore(house.database).find(sessionId))?.hasDisk;
const starts = (driver: ReturnType<typeof createFakeDriver>) => driver.calls.filter(({ verb }) => verb === 'start');

const withPlaces = async (work: (places: Places, driver: ReturnType<typeof createFakeDriver>) => Promise<void>) => {
  const driver = createFakeDriver({ world: createFakeWorld() });
  const places = house.newPlaces(driver);
  try {
    await work(places, driver);
  } finally {
    await places.close();
  }
};

test('a disk that vanished is said once and not tried again, until it is back', async () => {
  const ada = await house.person();
  await withPlaces(async (places, driver) => {
    const { id } = await house.sessions.create(ada, {});
    await vi.waitFor(async () => expect(await hasDisk(id)).toBe(true), patience);
    await house.sessions.stop(id, ada);
    await places.reconcile(id);
    driver.world.disks.delete(id);
    const before = starts(driver).length;
    await house.sessions.start(id, ada);
    await vi.waitFor(async () => expect((await house.sessions.get(id)).shown).toBe('failed'), patience);
    for (let round = 0; round < 3; round += 1) await places.reconcileAll();
    expect(starts(driver)).toHaveLength(before + 1);
    expect(driver.world.disks.has(id)).toBe(false);
    expect((await house.sessions.get(id)).reason).toMatch(
      /disk of .* is gone\. .* stays readable; .* backup .* empty disk/,
    );
    // By hand it is tried once more; what was put back is used.
    await house.sessions.start(id, ada);
    await vi.waitFor(() => expect(starts(driver)).toHaveLength(before + 2), patience);
    await vi.waitFor(async () => expect((await house.sessions.get(id)).shown).toBe('failed'), patience);
    driver.world.disks.add(id);
    await house.sessions.start(id, ada);
    await vi.waitFor(() => expect(live(driver.world, id)).toHaveLength(1), patience);
    expect(live(driver.world, id)[0]?.spec.disk).toBe('existing');
    const { state } = await house.events.head(id);
    expect(state.place.diskGone).toBeUndefined();
  });
});

test('a person has it start with an empty disk, which is refused where nothing is gone', async () => {
  const ada = await house.person();
  await withPlaces(async (places, driver) => {
    const { id } = await house.sessions.create(ada, {});
    await vi.waitFor(async () => expect(await hasDisk(id)).toBe(true), patience);
    await house.sessions.stop(id, ada);
    await places.reconcile(id);
    await expect(house.sessions.start(id, ada, 'new')).rejects.toMatchObject({ code: 'conflict' });
    expect(await hasDisk(id)).toBe(true);
    driver.world.disks.delete(id);
    await house.sessions.start(id, ada);
    await vi.waitFor(async () => expect((await house.sessions.get(id)).shown).toBe('failed'), patience);
    await house.sessions.start(id, ada, 'new');
    await vi.waitFor(() => expect(live(driver.world, id)).toHaveLength(1), patience);
    expect(live(driver.world, id)[0]?.spec.disk).toBe('new');
    await vi.waitFor(async () => expect(await hasDisk(id)).toBe(true), patience);
    const audited = await house.database.db
      .selectFrom('audit_logs')
      .select('details')
      .where('session_id', '=', id)
      .where('action', '=', 'sessions.start')
      .execute();
    expect(audited.map(({ details }) => details)).toEqual([{}, { disk: 'new' }]);
  });
});

test('until a first start is written down, the disk is a new one', async () => {
  const ada = await house.person();
  await withPlaces(async (places, driver) => {
    driver.behave({ fail: { start: new ComputeError('start_failed', 'Half-way.') } });
    const { id } = await house.sessions.create(ada, {});
    await vi.waitFor(async () => expect((await house.sessions.get(id)).shown).toBe('failed'), patience);
    expect(await hasDisk(id)).toBe(false);
    driver.behave({ fail: {}, failAfter: { start: new Error('the line broke') } });
    await house.sessions.start(id, ada);
    await vi.waitFor(() => expect(live(driver.world, id)).toHaveLength(1), patience);
    expect(await hasDisk(id)).toBe(false);
    driver.behave({ failAfter: {} });
    await places.reconcile(id);
    await vi.waitFor(async () => expect(await hasDisk(id)).toBe(true), patience);
    expect(live(driver.world, id)[0]?.spec.disk).toBe('new');
  });
});

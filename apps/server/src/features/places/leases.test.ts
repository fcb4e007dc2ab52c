// Several managers on one database: one of them looks after a session at a time, another follows when its lease is over,
// and what an earlier one still writes is refused.

import { randomUUID } from 'node:crypto';
import { ComputeError } from '@remote-claude/compute';
import { createFakeDriver, createFakeWorld } from '@remote-claude/compute/testing';
import type { AgentEvent } from '@remote-claude/contract';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';

import { createFakeClock } from '../../testing/fake-clock.js';
import { createSessionHouse, testTiming, type SessionHouse } from '../../testing/session-house.js';
import { StaleFenceError } from '../events/index.js';
import type { LeasesDeps, Places, PlacesDeps } from './index.js';
import type { LeasesStore } from './leases-store.js';
import { createPlacesStore } from './store.js';

let house: SessionHouse;
const open: { close(): Promise<void> }[] = [];
beforeAll(async () => {
  house = await createSessionHouse();
});
afterEach(async () => {
  engine = randomUUID();
  for (const one of open.splice(0)) await one.close();
});
afterAll(() => house.close());

const patience = { timeout: 20_000, interval: 20 };
/** Of each test its own, so that its managers see its sessions alone. */
let engine = randomUUID();
const longest = { leaseMs: 60_000, renewMs: 20_000 };

/** A manager beside others; it follows nobody. */
const newManager = (
  world = createFakeWorld(),
  change: Partial<LeasesDeps> = {},
  placesChange: Partial<PlacesDeps> = {},
) => {
  const predecessor: LeasesDeps['predecessor'] = { read: async () => null, write: async () => {} };
  const leases = house.newLeases({ predecessor, engine, timing: longest, ...change });
  const driver = createFakeDriver({ world });
  const places = house.newPlaces(driver, { leases, ...placesChange });
  open.push(places);
  return { leases, driver, places };
};
const row = async (sessionId: string) => {
  const found = await createPlacesStore(house.database).find(sessionId);
  if (found === null) throw new Error('no such session');
  return found;
};
const ownerOf = async (sessionId: string) => (await row(sessionId)).fence.owner;
const settled = async (places: Places, sessionId: string) => {
  await places.reconcile(sessionId);
  expect((await row(sessionId)).handle).not.toBeNull();
};
const newSession = async () => (await house.sessions.create(await house.person(), {})).id;
const starts = ({ driver }: ReturnType<typeof newManager>) => driver.calls.filter(({ verb }) => verb === 'start');
const databaseNow = async () =>
  (await house.database.db.selectNoFrom((eb) => eb.fn<Date>('clock_timestamp').as('now')).executeTakeFirstOrThrow())
    .now;

describe('one of several', () => {
  test('many sessions at once: each is started once, whoever is first', async () => {
    const world = createFakeWorld();
    const managers = [newManager(world), newManager(world), newManager(world)];
    const ids = await Promise.all(Array.from({ length: 12 }, newSession));
    await Promise.all(managers.flatMap(({ places }) => ids.map((id) => places.reconcile(id))));
    await vi.waitFor(async () => {
      for (const id of ids) expect((await row(id)).handle).not.toBeNull();
    }, patience);
    const placeIds = await Promise.all(ids.map(async (id) => (await row(id)).placeId));
    expect(
      managers
        .flatMap(starts)
        .map(({ id }) => id)
        .toSorted(),
    ).toEqual(placeIds.toSorted());
    expect(world.places.size).toBe(ids.length);
    const owners = await Promise.all(ids.map(ownerOf));
    const names = await Promise.all(managers.map(({ leases }) => leases.owner()));
    expect(owners.every((owner) => owner !== null && names.includes(owner))).toBe(true);
  });

  test('the others leave it alone: also what is wanted of it, and a place that they see running', async () => {
    const world = createFakeWorld();
    const first = newManager(world);
    const second = newManager(world);
    const id = await newSession();
    await vi.waitFor(async () => expect((await row(id)).handle).not.toBeNull(), patience);
    const [ours, other] = (await ownerOf(id)) === (await first.leases.owner()) ? [first, second] : [second, first];
    world.places.set('stray', {
      spec: { sessionId: id, placeId: 'stray', disk: 'new', command: [], environment: {}, limits: {} as never },
      status: 'running',
      reason: null,
      exitCode: null,
    });
    await other.places.reconcileAll();
    await other.places.reconcile(id);
    expect(world.places.get('stray')?.status).toBe('running');
    expect(other.driver.calls.filter(({ verb }) => verb !== 'list')).toEqual([]);
    await ours.places.reconcileAll();
    expect(world.places.get('stray')?.status).not.toBe('running');
    const { placeId } = await row(id);
    expect(world.places.get(placeId ?? '')?.status).toBe('running');
  });

  test('a manager of another engine takes it never, for the disk is not there', async () => {
    const here = newManager();
    const id = await newSession();
    await settled(here.places, id);
    const elsewhere = newManager(createFakeWorld(), { engine: randomUUID() });
    await here.places.close();
    await elsewhere.places.reconcileAll();
    await elsewhere.places.reconcile(id);
    expect(elsewhere.driver.calls.filter(({ verb }) => verb !== 'list')).toEqual([]);
    expect((await row(id)).fence.number).toBe(1);
  });
});

describe('another follows', () => {
  test('one that ends hands its sessions on at once: the place stays, and the number is another', async () => {
    const world = createFakeWorld();
    const first = newManager(world);
    const id = await newSession();
    await settled(first.places, id);
    const before = await row(id);
    const second = newManager(world);
    await second.places.reconcileAll();
    expect(await ownerOf(id)).toBe(before.fence.owner);
    await first.places.close();
    // Nobody tells it but the bus: its own rounds are a minute apart.
    await vi.waitFor(async () => expect(await ownerOf(id)).toBe(await second.leases.owner()), patience);
    const after = await row(id);
    expect(after.placeId).toBe(before.placeId);
    expect(after.fence.number).toBe(before.fence.number + 1);
    expect(starts(second)).toEqual([]);
  });

  test('one that died is followed when its lease is over by the clock of the database, and not before', async () => {
    const world = createFakeWorld();
    const timing = { leaseMs: 4_000, renewMs: 500 };
    const dying = newManager(world, { timing, ...silentAfterEntering() });
    const id = await newSession();
    await settled(dying.places, id);
    const dead = (await ownerOf(id)) ?? '';
    const { expires_at: end } = await house.database.db
      .selectFrom('managers')
      .select('expires_at')
      .where('id', '=', dead)
      .executeTakeFirstOrThrow();
    const second = newManager(world, { timing });
    await second.places.reconcileAll();
    await vi.waitFor(async () => expect(await ownerOf(id)).toBe(await second.leases.owner()), patience);
    expect((await databaseNow()).getTime()).toBeGreaterThan(end.getTime());
    expect(starts(second)).toEqual([]);
  });

  test('the next process of the same folder waits for nothing', async () => {
    const world = createFakeWorld();
    let word: string | null = null;
    const predecessor = { read: async () => word, write: async (next: string) => void (word = next) };
    const killed = newManager(world, { predecessor });
    const id = await newSession();
    await settled(killed.places, id);
    const next = newManager(world, { predecessor });
    await next.places.reconcile(id);
    expect(await ownerOf(id)).toBe(await next.leases.owner());
    expect((await row(id)).fence.number).toBe(2);
  });
});

describe('an owner that was left behind', () => {
  test('what it writes is refused by its fence: events, the place, its end; nothing of it is kept', async () => {
    const world = createFakeWorld();
    const first = newManager(world);
    const id = await newSession();
    await settled(first.places, id);
    const { fence, placeId, handle, doors } = await row(id);
    const event = { type: 'turn.started', turnId: randomUUID() as never, messageIds: [] } satisfies AgentEvent;
    const append = (n: number) => house.events.append(id, [{ source: 'j', n, event }], { by: 'agent', fence });
    await append(1);
    await house.database.db
      .updateTable('sessions')
      .set((eb) => ({ lease_owner: randomUUID(), lease_fence: eb('lease_fence', '+', 1) }))
      .where('id', '=', id)
      .execute();
    const { head } = await house.events.head(id);
    await expect(append(2)).rejects.toBeInstanceOf(StaleFenceError);
    const store = createPlacesStore(house.database);
    expect(await store.recordStarted(fence, { sessionId: id, placeId: placeId ?? '', handle }, doors as never)).toBe(
      false,
    );
    await expect(
      house.database.transaction(async (trx) => {
        await house.events.lock(trx, id, fence);
        await store.clear(trx, id, { attempts: 0, retryAt: null });
      }),
    ).rejects.toBeInstanceOf(StaleFenceError);
    expect((await house.events.head(id)).head).toBe(head);
    expect((await row(id)).placeId).toBe(placeId);
    // The reconciler of the earlier owner sees it and lets go.
    const before = first.driver.calls.length;
    await first.places.reconcile(id);
    expect(first.driver.calls.slice(before).filter(({ verb }) => verb !== 'inspect')).toEqual([]);
  });

  test('cut from the database it stops before its lease ends, and an answer that comes later is none', async () => {
    const clock = createFakeClock();
    let answer: (() => void) | null = null;
    const renewals: string[] = [];
    const store: LeasesStore = {
      enter: async () => {},
      leave: async () => {},
      close: async () => {},
      renew: (id) => {
        renewals.push(id);
        return new Promise((resolve) => (answer = () => resolve({ isKept: true, gone: 0 })));
      },
    };
    const leases = house.newLeases({ store, clock, engine, timing: { leaseMs: 15_000, renewMs: 5_000 } });
    open.push(leases);
    const told: string[] = [];
    leases.onChange((what) => told.push(what));
    const name = await leases.owner();
    clock.advance(5_000);
    expect(renewals).toEqual([name]);
    clock.setWallClock(new Date(clock.now().getTime() - 3_600_000));
    clock.advance(7_999);
    expect([leases.isHeldAs(name), told]).toEqual([true, []]);
    clock.advance(1);
    expect([leases.isHeldAs(name), told]).toEqual([false, ['lost']]);
    (answer as (() => void) | null)?.();
    await new Promise((resolve) => setImmediate(resolve));
    expect(leases.isHeldAs(name)).toBe(false);
    // Nobody knows what others did meanwhile: it comes back under another name, and the old one stays over.
    const next = await leases.owner();
    expect(next).not.toBe(name);
    expect([leases.isHeldAs(next), leases.isHeldAs(name), leases.isHeldAs(null)]).toEqual([true, false, false]);
  });

  test.each(['answered', 'refused'] as const)('a renewal that is %s after the end plans no other', async (how) => {
    const clock = createFakeClock();
    let finish = (): void => {};
    let renewals = 0;
    const store: LeasesStore = {
      enter: async () => {},
      leave: async () => {},
      close: async () => {},
      renew: () => {
        renewals += 1;
        return new Promise((resolve, reject) => {
          finish = () => (how === 'answered' ? resolve({ isKept: true, gone: 0 }) : reject(new Error('away')));
        });
      },
    };
    const leases = house.newLeases({ store, clock, engine, timing: longest });
    await leases.owner();
    clock.advance(longest.renewMs);
    expect(renewals).toBe(1);
    const closing = leases.close();
    finish();
    await closing;
    expect(clock.planned()).toBe(0);
  });

  test('a driver is not told to act once the lease has ended, and links end with it', async () => {
    const world = createFakeWorld();
    const clock = createFakeClock();
    let away = false;
    const { store } = flaky(() => away);
    const manager = newManager(world, { clock, store });
    const id = await newSession();
    await settled(manager.places, id);
    const name = await ownerOf(id);
    expect(manager.leases.isHeldAs(name)).toBe(true);
    away = true;
    clock.advance(longest.leaseMs);
    expect(manager.leases.isHeldAs(name)).toBe(false);
    await house.sessions.stop(id, await house.person());
    const before = manager.driver.calls.length;
    await manager.places.reconcile(id).catch(() => {});
    expect(manager.driver.calls.slice(before)).toEqual([]);
    away = false;
    await vi.waitFor(async () => {
      await manager.places.reconcile(id);
      expect((await row(id)).placeId).toBeNull();
    }, patience);
  });
});

describe('what was decided under an earlier lease', () => {
  test('is not done under the next one: a start that is refused late ends no place of another', async () => {
    const world = createFakeWorld();
    const clock = createFakeClock();
    const behind = newManager(world, { clock });
    const release = behind.driver.hold('start');
    const id = await newSession();
    await vi.waitFor(() => expect(starts(behind)).toHaveLength(1), patience);
    const { fence, placeId: first } = await row(id);
    clock.advance(longest.leaseMs);
    expect(await behind.leases.owner()).not.toBe(fence.owner);
    const next = newManager(world);
    next.driver.behave({ fail: { start: new ComputeError('start_failed', 'Not yet.') } });
    void next.places.reconcile(id);
    await vi.waitFor(() => expect(starts(next)).not.toEqual([]), patience);
    next.driver.behave({ fail: {} });
    await vi.waitFor(async () => {
      const { placeId, handle } = await row(id);
      expect(placeId).not.toBe(first);
      expect(handle).not.toBeNull();
    }, patience);
    behind.driver.behave({ fail: { start: new ComputeError('start_failed', 'The engine was busy.') } });
    release();
    await behind.places.reconcile(id);
    expect(behind.driver.calls.filter(({ verb }) => verb === 'stop')).toEqual([]);
    const { placeId, handle } = await row(id);
    expect(handle).toMatchObject({ placeId });
    expect(world.places.get(placeId ?? '')?.status).toBe('running');
  });

  test('nor counts how long a place was silent while another had it', async () => {
    const clock = createFakeClock();
    const hours = { leaseMs: 7_200_000, renewMs: 3_600_000 };
    const manager = newManager(createFakeWorld(), { clock, timing: hours }, { clock });
    const id = await newSession();
    await settled(manager.places, id);
    const other = await newManager(createFakeWorld(), { engine: randomUUID() }).leases.owner();
    const write = (values: { lease_owner: string | null } | { reachable_at: Date }) =>
      house.database.db.updateTable('sessions').set(values).where('id', '=', id).execute();
    await write({ reachable_at: new Date() });
    const silentFor = async (ms: number) => {
      clock.advance(ms);
      await manager.places.reconcile(id);
      return row(id);
    };
    const before = await silentFor(testTiming.deadMs + 1);
    expect(before.state.place.status).toBe('unreachable');
    expect((await silentFor(testTiming.unreachableGraceMs - 5_000)).placeId).toBe(before.placeId);
    await write({ lease_owner: other });
    await silentFor(5_000);
    await write({ lease_owner: null });
    const after = await silentFor(5_000);
    expect(after.fence.owner).toBe(await manager.leases.owner());
    expect(after.placeId).toBe(before.placeId);
    // From now on it counts.
    await vi.waitFor(
      async () => expect((await silentFor(testTiming.unreachableGraceMs)).placeId).not.toBe(before.placeId),
      patience,
    );
  });
});

/** A manager that hears and says nothing more once its lease is granted: to others it is one that was killed. */
const silentAfterEntering = (): Partial<LeasesDeps> => {
  let entered = false;
  const { store } = flaky(() => entered);
  return { store: { ...store, enter: (...args) => store.enter(...args).then(() => void (entered = true)) } };
};

/** The real store of leases, which is away while told so. */
function flaky(isAway: () => boolean): { store: LeasesStore } {
  const made = house.newLeaseStore();
  const check = async (): Promise<void> => {
    if (isAway()) throw new Error('The database is away.');
  };
  return {
    store: {
      enter: (...args) => check().then(() => made.enter(...args)),
      renew: (...args) => check().then(() => made.renew(...args)),
      leave: (...args) => check().then(() => made.leave(...args)),
      close: made.close,
    },
  };
}

import { randomUUID } from 'node:crypto';
import { createFakeDriver, createFakeWorld, type FakeWorld } from '@remote-claude/compute/testing';
import { ComputeError } from '@remote-claude/compute';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

import { json } from '../../platform/database/index.js';
import { createSessionHouse, testTiming, type SessionHouse } from '../../testing/session-house.js';
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
const row = async (sessionId: string) => {
  const found = await createPlacesStore(house.database).find(sessionId);
  if (found === null) throw new Error('no such session');
  return found;
};
const typesOf = async (sessionId: string) =>
  (await house.events.read(sessionId, { after: 0 }, 500)).map(({ event }) =>
    event.type === 'place.changed' ? `${event.wanted}/${event.status}` : event.type,
  );

const withPlaces = async (
  work: (places: Places, driver: ReturnType<typeof createFakeDriver>) => Promise<void>,
  change = {},
) => {
  const driver = createFakeDriver();
  const places = house.newPlaces(driver, change);
  try {
    await work(places, driver);
  } finally {
    await places.close();
  }
};

describe('a session gets its place', () => {
  test('created, it is started with an environment of its own, and the steps are events', async () => {
    const ada = await house.person();
    await withPlaces(async (places, driver) => {
      const { id } = await house.sessions.create(ada, { name: 'First', resources: { cpus: 2 } });
      await vi.waitFor(async () => expect((await row(id)).handle).not.toBeNull(), patience);
      await places.reconcile(id);
      const [place] = live(driver.world, id);
      const { placeId, doors } = await row(id);
      expect(place?.spec.placeId).toBe(placeId);
      expect(place?.spec.limits).toMatchObject({ cpus: 2, memoryBytes: 2 ** 30 });
      expect(place?.spec.environment).toMatchObject({
        SESSION_ID: id,
        PLACE_ID: placeId,
        AGENT_SECRET: `secret-of-${placeId}`,
        GATEWAY_TOKEN: `gateway-of-${placeId}`,
        AGENT_LISTEN: `unix:/nonexistent/${id}/agent.sock`,
        CLAUDE_SETTINGS: '{"model":null,"permissionMode":"default","effort":null}',
      });
      expect(doors?.agent.kind).toBe('unix');
      expect(house.doors.get(id)).toBe(placeId);
      expect(await typesOf(id)).toEqual(['session.created', 'running/none', 'running/starting', 'running/starting']);
      expect((await house.sessions.get(id)).shown).toBe('starting');
    });
  });

  test('stopped and started again, it has another place on the same disk; terminated, none', async () => {
    const ada = await house.person();
    await withPlaces(async (places, driver) => {
      const { id } = await house.sessions.create(ada, {});
      await places.reconcile(id);
      const first = (await row(id)).placeId;
      expect((await house.sessions.stop(id, ada)).shown).toBe('stopping');
      await places.reconcile(id);
      expect(live(driver.world, id)).toEqual([]);
      expect(await house.sessions.get(id)).toMatchObject({ shown: 'stopped', status: 'stopped' });
      expect(house.doors.has(id)).toBe(false);
      await house.sessions.start(id, ada);
      await places.reconcile(id);
      expect((await row(id)).placeId).not.toBe(first);
      expect(live(driver.world, id)).toHaveLength(1);
      await house.sessions.terminate(id, ada);
      await places.reconcile(id);
      expect(live(driver.world, id)).toEqual([]);
      expect(await house.sessions.get(id)).toMatchObject({ shown: 'terminated', status: 'stopped' });
      expect(driver.world.disks.has(id)).toBe(true);
    });
  });
});

describe('an engine that lacks what places are made of', () => {
  test('is brought it before a place is named; the session says how far it is, and can be stopped meanwhile', async () => {
    const ada = await house.person();
    await withPlaces(async (places, driver) => {
      driver.behave({ preparing: [{ what: 'Pulling image', percent: 43 }] });
      const release = driver.hold('prepare');
      const [{ id }, { id: other }] = [await house.sessions.create(ada, {}), await house.sessions.create(ada, {})];
      await vi.waitFor(async () => expect((await row(id)).state.place.step).toBe('Pulling image 43 %'), patience);
      expect((await house.sessions.get(id)).shown).toBe('starting');
      await house.sessions.stop(other, ada);
      await vi.waitFor(async () => expect((await house.sessions.get(other)).shown).toBe('stopped'), patience);
      expect([(await row(id)).placeId, driver.calls.filter(({ verb }) => verb === 'prepare').length]).toEqual([
        null,
        1,
      ]);
      driver.behave({ preparing: [] });
      release();
      await vi.waitFor(() => expect(live(driver.world, id)).toHaveLength(1), patience);
      await places.reconcile(other);
      expect(live(driver.world, other)).toEqual([]);
    });
  });

  test('and cannot be brought it: it is tried again, then it says why, and goes on by itself once it can', async () => {
    const ada = await house.person();
    const timing = { ...testTiming, longestRetryMs: 300 };
    await withPlaces(
      async (_places, driver) => {
        driver.behave({ fail: { prepare: new ComputeError('prepare_failed', 'No registry answers.') } });
        const { id } = await house.sessions.create(ada, {});
        await vi.waitFor(async () => expect((await house.sessions.get(id)).shown).toBe('failed'), patience);
        expect((await house.sessions.get(id)).reason).toContain('No registry answers.');
        expect(driver.calls.filter(({ verb }) => verb === 'start')).toEqual([]);
        driver.behave({ fail: {} });
        await vi.waitFor(() => expect(live(driver.world, id)).toHaveLength(1), patience);
      },
      { timing },
    );
  });
});

describe('what goes wrong', () => {
  test('a start that fails is tried three times, then says why and what to do, and a person can try again', async () => {
    const ada = await house.person();
    await withPlaces(async (places, driver) => {
      driver.behave({ fail: { start: new ComputeError('start_failed', 'The engine is out of order.') } });
      const { id } = await house.sessions.create(ada, {});
      await vi.waitFor(async () => expect((await house.sessions.get(id)).shown).toBe('failed'), patience);
      expect(driver.calls.filter(({ verb }) => verb === 'start')).toHaveLength(3);
      expect((await house.sessions.get(id)).reason).toContain('The engine is out of order.');
      driver.behave({ fail: {} });
      await house.sessions.start(id, ada);
      await places.reconcile(id);
      expect(live(driver.world, id)).toHaveLength(1);
    });
  });

  test('an answer of the driver that was lost is found again, and nothing is started twice', async () => {
    const ada = await house.person();
    await withPlaces(async (places, driver) => {
      driver.behave({ failAfter: { start: new Error('the line broke') } });
      const { id } = await house.sessions.create(ada, {});
      await vi.waitFor(() => expect(live(driver.world, id)).toHaveLength(1), patience);
      driver.behave({ failAfter: {} });
      await places.reconcile(id);
      const { handle, placeId } = await row(id);
      expect(handle).toMatchObject({ placeId });
      expect(live(driver.world, id)).toHaveLength(1);
    });
  });

  test('a place that died is replaced at once, and its turn ends as interrupted with the interrupt that came for it', async () => {
    const ada = await house.person();
    await withPlaces(async (places, driver) => {
      const { id } = await house.sessions.create(ada, {});
      await places.reconcile(id);
      const turnId = randomUUID();
      await house.events.append(
        id,
        [{ source: 'j', n: 1, event: { type: 'turn.started', turnId: turnId as never, messageIds: [] } }],
        { by: 'agent' },
      );
      const first = (await row(id)).placeId ?? '';
      await driver.end(first, 137, 'It was killed.');
      await places.reconcile(id);
      await vi.waitFor(async () => expect((await row(id)).placeId).not.toBe(first), patience);
      const ended = (await house.events.read(id, { after: 0 }, 500)).find(({ event }) => event.type === 'turn.ended');
      expect(ended?.event).toMatchObject({ turnId, outcome: 'interrupted', reason: 'It was killed.' });
      const late = await house.events.append(
        id,
        [{ source: 'j', n: 2, event: { ...(ended?.event as object), outcome: 'completed' } as never }],
        { by: 'agent' },
      );
      expect(late.rejected).toEqual([{ source: 'j', n: 2, reason: 'this turn has ended already' }]);
    });
  });

  test('an agent that never answers is given up after its time, with the reason', async () => {
    const ada = await house.person();
    await withPlaces(
      async () => {
        const { id } = await house.sessions.create(ada, {});
        await vi.waitFor(async () => expect((await house.sessions.get(id)).shown).toBe('failed'), patience);
        expect((await house.sessions.get(id)).reason).toContain('did not answer');
      },
      { timing: { ...testTiming, startTimeoutMs: 50 } },
    );
  });

  test('places that no row names are stopped, and the recorded one stays', async () => {
    const ada = await house.person();
    const world = createFakeWorld();
    const driver = createFakeDriver({ world });
    const places = house.newPlaces(driver);
    const { id } = await house.sessions.create(ada, {});
    await places.reconcile(id);
    const { placeId } = await row(id);
    const [mine] = live(world, id);
    if (mine === undefined) throw new Error('it was not started');
    const double = randomUUID();
    const stranger = randomUUID();
    world.places.set(double, { ...mine, spec: { ...mine.spec, placeId: double } });
    world.places.set(stranger, { ...mine, spec: { ...mine.spec, placeId: stranger, sessionId: randomUUID() } });
    await places.reconcileAll();
    expect(live(world, id).map((place) => place.spec.placeId)).toEqual([placeId]);
    expect(world.places.get(stranger)?.status).toBe('stopped');
    await places.close();
  });
});

describe('the disk of a terminated session', () => {
  const dayMs = 86_400_000;
  const later = (ms: number) => ({ ...house.clock, now: () => new Date(Date.now() + ms) });
  const removals = async (id: string) =>
    house.database.db
      .selectFrom('audit_logs')
      .select(['user_id', 'action'])
      .where('session_id', '=', id)
      .where('action', '=', 'sessions.disk.remove')
      .execute();

  test('stays for its time, then goes once, with its audit row; the history stays', async () => {
    const ada = await house.person();
    const driver = createFakeDriver();
    const now = house.newPlaces(driver);
    const { id } = await house.sessions.create(ada, {});
    await now.reconcile(id);
    const ended = await house.sessions.terminate(id, ada);
    expect(Date.parse(ended.diskUntil ?? '') - Date.parse(ended.terminatedAt ?? '')).toBe(30 * dayMs);
    await now.reconcile(id);
    await now.close();
    const almost = house.newPlaces(driver, { clock: later(29 * dayMs) });
    await almost.reconcileAll();
    expect([driver.world.disks.has(id), await removals(id)]).toEqual([true, []]);
    await almost.close();
    const due = house.newPlaces(driver, { clock: later(30 * dayMs) });
    await vi.waitFor(async () => {
      await due.reconcileAll();
      expect(driver.world.disks.has(id)).toBe(false);
    }, patience);
    await due.reconcileAll();
    expect([driver.world.disks.has(id), await removals(id)]).toEqual([
      false,
      [{ user_id: null, action: 'sessions.disk.remove' }],
    ]);
    const gone = await house.sessions.get(id);
    expect(gone).toMatchObject({ shown: 'terminated', status: 'stopped', diskUntil: null });
    expect(gone.reason).toContain('The disk of this session was removed.');
    expect((await typesOf(id)).at(0)).toBe('session.created');
    await expect(house.sessions.start(id, ada)).rejects.toMatchObject({ code: 'conflict' });
    expect(driver.calls.filter(({ verb, id: of }) => verb === 'destroy' && of === id)).toHaveLength(1);
    await due.close();
  });

  test('a removal that fails, or whose server dies, is repeated and audited once', async () => {
    const ada = await house.person();
    const driver = createFakeDriver();
    const quick = { clock: later(30 * dayMs), timing: { ...testTiming, longestRetryMs: 50 } };
    const { id } = await house.sessions.create(ada, {});
    await house.sessions.terminate(id, ada);
    driver.world.disks.add(id);
    driver.behave({ fail: { destroy: new ComputeError('destroy_failed', 'It could not be removed.') } });
    const first = house.newPlaces(driver, quick);
    await first.reconcile(id);
    expect(await house.sessions.get(id)).toMatchObject({ shown: 'terminated', status: 'stopped' });
    expect((await house.sessions.get(id)).reason).toContain('It could not be removed.');
    driver.behave({ fail: {}, failAfter: { destroy: new Error('the line broke') } });
    await vi.waitFor(() => expect(driver.world.disks.has(id)).toBe(false), patience);
    await first.close();
    expect((await row(id)).diskRemovedAt).toBeNull();
    driver.behave({ failAfter: {} });
    const second = house.newPlaces(driver, quick);
    await second.reconcile(id);
    expect((await row(id)).diskRemovedAt).not.toBeNull();
    expect(await removals(id)).toHaveLength(1);
    await second.close();
  });

  test('a stopped session keeps its disk for ever', async () => {
    const ada = await house.person();
    const driver = createFakeDriver();
    const { id } = await house.sessions.create(ada, {});
    await house.sessions.stop(id, ada);
    driver.world.disks.add(id);
    const places = house.newPlaces(driver, { clock: later(3_000 * dayMs) });
    await places.reconcileAll();
    await places.reconcile(id);
    expect(driver.world.disks.has(id)).toBe(true);
    await places.close();
  });
});

describe('steps that cannot be taken', () => {
  const quick = { timing: { ...testTiming, retryMs: 20, longestRetryMs: 100 } };
  const away = new ComputeError('not_ready', 'The engine is away.');
  const shownOf = async (id: string) => {
    const { shown, reason } = await house.sessions.get(id);
    return { shown, reason };
  };

  test('an engine that is away is named, called failed in the end, and healed by its return without a place lost', async () => {
    const ada = await house.person();
    await withPlaces(async (places, driver) => {
      const { id } = await house.sessions.create(ada, {});
      await places.reconcile(id);
      const [before] = live(driver.world, id);
      driver.behave({ fail: { inspect: away, list: away } });
      void places.reconcileAll();
      await vi.waitFor(async () => expect((await shownOf(id)).shown).toBe('failed'), patience);
      const { reason } = await shownOf(id);
      for (const words of ['The engine is away.', 'history are kept', 'tried again', 'Start it again'])
        expect(reason).toContain(words);
      const { head } = await house.sessions.get(id);
      const looked = driver.calls.length;
      await vi.waitFor(() => expect(driver.calls.length).toBeGreaterThan(looked + 3), patience);
      // Tried again and again, said once.
      expect((await house.sessions.get(id)).head).toBe(head);
      driver.behave({ fail: {} });
      await vi.waitFor(async () => expect(await shownOf(id)).toEqual({ shown: 'starting', reason: null }), patience);
      expect(live(driver.world, id)).toEqual([before]);
    }, quick);
  });

  test('the pause grows to its ceiling, and a person who starts it does not wait for it', async () => {
    const ada = await house.person();
    await withPlaces(
      async (places, driver) => {
        const { id } = await house.sessions.create(ada, {});
        await places.reconcile(id);
        driver.behave({ fail: { inspect: away, list: away } });
        for (let tries = 0; tries < 3; tries += 1) await places.reconcile(id);
        expect((await shownOf(id)).shown).toBe('failed');
        const { placeId } = await row(id);
        const looked = driver.calls.length;
        await places.reconcileAll();
        expect(driver.calls.slice(looked).filter((call) => call.id === placeId)).toEqual([]);
        driver.behave({ fail: {} });
        await house.sessions.start(id, ada);
        await vi.waitFor(async () => expect(await shownOf(id)).toEqual({ shown: 'starting', reason: null }), patience);
        expect(live(driver.world, id).map(({ spec }) => spec.placeId)).toEqual([placeId]);
      },
      { timing: { ...testTiming, retryMs: 3_600_000, longestRetryMs: 3_600_000 } },
    );
  });

  test('a place that cannot be stopped says why, and is stopped when it can be', async () => {
    const ada = await house.person();
    await withPlaces(async (places, driver) => {
      const { id } = await house.sessions.create(ada, {});
      await places.reconcile(id);
      driver.behave({ fail: { stop: new ComputeError('stop_failed', 'Its processes wait in the kernel.') } });
      await house.sessions.stop(id, ada);
      await vi.waitFor(async () => expect((await shownOf(id)).shown).toBe('failed'), patience);
      expect((await shownOf(id)).reason).toContain('It could not be stopped. Its processes wait in the kernel.');
      driver.behave({ fail: {} });
      await vi.waitFor(async () => expect((await shownOf(id)).shown).toBe('stopped'), patience);
      expect(live(driver.world, id)).toEqual([]);
    }, quick);
  });

  test('a way out that cannot be opened is told in words without paths, and opened when it can be', async () => {
    const ada = await house.person();
    let code: string | null = 'EMFILE';
    await withPlaces(
      async (_places, driver) => {
        const { id } = await house.sessions.create(ada, {});
        await vi.waitFor(async () => expect((await shownOf(id)).shown).toBe('failed'), patience);
        expect((await shownOf(id)).reason).toContain('could not be opened: this server has no free file descriptors.');
        expect((await shownOf(id)).reason).not.toContain('/secret/');
        const [before] = live(driver.world, id);
        code = null;
        await vi.waitFor(async () => expect(await shownOf(id)).toEqual({ shown: 'starting', reason: null }), patience);
        expect(live(driver.world, id)).toEqual([before]);
      },
      {
        ...quick,
        gateway: {
          open: async () => {
            if (code !== null) throw Object.assign(new Error('listen /secret/path'), { code });
          },
          close: async () => {},
        },
      },
    );
  });

  test('an engine that never answers is not waited for without end', async () => {
    const ada = await house.person();
    await withPlaces(
      async (places, driver) => {
        const { id } = await house.sessions.create(ada, {});
        await places.reconcile(id);
        const release = driver.hold('inspect');
        void places.reconcileAll();
        await vi.waitFor(async () => expect((await shownOf(id)).reason).toContain('did not answer within'), patience);
        release();
        await vi.waitFor(async () => expect((await shownOf(id)).reason).toBeNull(), patience);
      },
      { timing: { ...quick.timing, startTimeoutMs: 300 } },
    );
  });

  test('a start that is refused for long is tried on in silence and comes about', async () => {
    const ada = await house.person();
    await withPlaces(async (_places, driver) => {
      driver.behave({ fail: { start: away } });
      const { id } = await house.sessions.create(ada, {});
      await vi.waitFor(async () => expect((await shownOf(id)).shown).toBe('failed'), patience);
      const { head } = await house.sessions.get(id);
      await vi.waitFor(
        () => expect(driver.calls.filter(({ verb }) => verb === 'start').length).toBeGreaterThan(6),
        patience,
      );
      expect((await house.sessions.get(id)).head).toBe(head);
      driver.behave({ fail: {} });
      await vi.waitFor(() => expect(live(driver.world, id)).toHaveLength(1), patience);
      await vi.waitFor(async () => expect(await shownOf(id)).toEqual({ shown: 'starting', reason: null }), patience);
    }, quick);
  });

  test('a place that nothing reaches any more is replaced, once it is sure', async () => {
    const ada = await house.person();
    await withPlaces(async (places, driver) => {
      const { id } = await house.sessions.create(ada, {});
      await places.reconcile(id);
      const first = (await row(id)).placeId;
      driver.behave({
        lieAboutPlace: (truth, handle) => ({ ...truth, cutOff: (handle as { placeId: string }).placeId === first }),
      });
      await places.reconcile(id);
      expect((await shownOf(id)).reason).toContain('the folder of its sockets is gone');
      expect((await row(id)).placeId).toBe(first);
      await vi.waitFor(async () => {
        const { placeId, handle } = await row(id);
        expect(placeId).not.toBe(first);
        expect(handle).not.toBeNull();
      }, patience);
      expect(live(driver.world, id).map((place) => place.spec.placeId)).toEqual([(await row(id)).placeId]);
    }, quick);
  });

  test('a stray that does not end keeps nobody from a place', async () => {
    const ada = await house.person();
    await withPlaces(async (places, driver) => {
      driver.behave({ fail: { stop: new ComputeError('stop_failed', 'It does not end.') } });
      const { id } = await house.sessions.create(ada, {});
      await places.reconcile(id);
      const [mine] = live(driver.world, id);
      if (mine === undefined) throw new Error('it was not started');
      const stray = randomUUID();
      driver.world.places.set(stray, { ...mine, spec: { ...mine.spec, placeId: stray } });
      await places.reconcileAll();
      expect((await shownOf(id)).reason).toBeNull();
      driver.behave({ fail: {} });
      await places.reconcileAll();
      expect(driver.world.places.get(stray)?.status).toBe('stopped');
    }, quick);
  });

  test("a place that began while the row was read is nobody else's", async () => {
    const ada = await house.person();
    const store = createPlacesStore(house.database);
    let heldBack: { go(): void } | null = null;
    let isHeld = false;
    let answers = 0;
    const counted =
      <A extends unknown[], R>(ask: (...given: A) => Promise<R>) =>
      async (...given: A): Promise<R> => {
        const answer = await ask(...given);
        answers += 1;
        return answer;
      };
    const held: typeof store = {
      ...store,
      async find(...given) {
        const seen = await store.find(...given);
        // Not one inside a transaction.
        if (isHeld && given.length === 1) {
          isHeld = false;
          await new Promise<void>((go) => (heldBack = { go }));
        }
        return seen;
      },
      unsettled: counted(store.unsettled),
      dueDisks: counted(store.dueDisks),
    };
    await withPlaces(
      async (places, driver) => {
        const { id } = await house.sessions.create(ada, {});
        await places.reconcile(id);
        const [first] = live(driver.world, id);
        if (first === undefined) throw new Error('it was not started');
        isHeld = true;
        const look = places.reconcile(id);
        await vi.waitFor(() => expect(heldBack).not.toBeNull(), patience);
        // Meanwhile the session goes on to another place, as one does that another server looked after for a moment.
        const placeId = randomUUID();
        const handle = { fake: true, sessionId: id, placeId };
        await driver.end(first.spec.placeId, 137);
        await house.database.db
          .updateTable('sessions')
          .set({ place_id: placeId, place_handle: json(handle), place_started_at: new Date() })
          .where('id', '=', id)
          .execute();
        driver.world.places.set(placeId, { ...first, status: 'running', spec: { ...first.spec, placeId } });
        const before = answers;
        const all = places.reconcileAll();
        // What runs is handed out when all that is asked beside it is answered.
        await vi.waitFor(() => expect(answers).toBe(before + 2), patience);
        await new Promise((resolve) => setImmediate(resolve));
        heldBack!.go();
        await Promise.all([look, all]);
        expect((await row(id)).placeId).toBe(placeId);
        expect(driver.world.places.get(placeId)?.status).toBe('running');
      },
      { ...quick, store: held },
    );
  });
});

// What is counted of sessions: how many are shown as what, with one query however many there are and however often somebody
// looks; how places start and end; and what is stored, once it is stored.

import { randomUUID } from 'node:crypto';
import { createFakeDriver } from '@remote-claude/compute/testing';
import { initialSessionState, shownStatus, shownStatusOf, type SessionState } from '@remote-claude/contract';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import { createDatabase, json } from '../../platform/database/index.js';
import { createMetricsRegistry, createPlaceMetrics, watchSessions } from '../../platform/metrics/index.js';
import { createSessionHouse, type SessionHouse } from '../../testing/session-house.js';
import { createEvents, createEventsStore } from '../events/index.js';
import { createPlacesStore } from './store.js';

const newRegistry = () => createMetricsRegistry({ version: '0', roles: [], withProcess: false });
const told = async (registry: ReturnType<typeof newRegistry>, name: string): Promise<Record<string, number>> =>
  Object.fromEntries(
    (await registry.tell()).text
      .split('\n')
      .filter((line) => line.startsWith(`remote_claude_${name}`))
      .map((line) => line.slice(`remote_claude_${name}`.length).split(' '))
      .map(([labels = '', value]) => [/"(.*)"/.exec(labels)?.[1] ?? '', Number(value)]),
  );

let house: SessionHouse;
beforeAll(async () => {
  house = await createSessionHouse();
});
afterAll(() => house.close());

/** Every state there is, in turns, with as much in it as sessions have. */
const stateOf = (index: number): { state: SessionState; status: 'starting' | 'running' | 'stopped' | 'error' } => {
  const wanted = (['running', 'running', 'running', 'stopped', 'terminated'] as const)[index % 5] ?? 'running';
  const places = ['none', 'queued', 'starting', 'running', 'unreachable', 'failed', 'stopping', 'stopped'] as const;
  const status = places[Math.floor(index / 5) % places.length] ?? 'none';
  const has = (bit: number): boolean => Math.floor(index / 40) % (2 * bit) >= bit;
  const state = {
    ...initialSessionState,
    wanted,
    place: { ...initialSessionState.place, status },
    approvals: has(1) ? [{ approvalId: randomUUID() }] : [],
    turn: has(2) ? { turnId: randomUUID() } : null,
    lastTurn: has(4) ? { ofTask: true } : null,
  } as unknown as SessionState;
  const shown = shownStatusOf(state);
  const coarse =
    shown === 'failed'
      ? 'error'
      : shown === 'stopped' || shown === 'terminated'
        ? 'stopped'
        : shown === 'starting' || shown === 'queued'
          ? 'starting'
          : 'running';
  return { state, status: coarse };
};

describe('sessions by state', () => {
  it('1,000 of them are one query, counted as they are shown; a second look within a moment is none', async () => {
    const { actor } = await house.person();
    const made = Array.from({ length: 1_000 }, (_, index) => stateOf(index));
    await house.database.db
      .insertInto('sessions')
      .values(
        made.map(({ state, status }) => ({
          user_id: actor.userId,
          name: 'Counted',
          state: json(state),
          wanted: state.wanted,
          status,
        })),
      )
      .execute();
    const wanted: Record<string, number> = Object.fromEntries(shownStatus.options.map((state) => [state, 0]));
    for (const { state } of made) wanted[shownStatusOf(state)] = (wanted[shownStatusOf(state)] ?? 0) + 1;

    let queries = 0;
    const database = createDatabase(house.testDatabase.connection, {
      log: house.log,
      poolSize: 3,
      onAnswer: () => (queries += 1),
    });
    try {
      const registry = newRegistry();
      let nowMs = 0;
      watchSessions(registry, {
        count: createPlacesStore(database).countShown,
        states: shownStatus.options,
        clock: { ...house.clock, monotonicMs: () => nowMs },
      });
      expect(await told(registry, 'sessions{')).toEqual(wanted);
      expect(queries).toBe(1);
      nowMs += 4_000;
      expect(await told(registry, 'sessions{')).toEqual(wanted);
      expect(queries).toBe(1);
      nowMs += 4_000;
      await Promise.all([registry.tell(), registry.tell(), registry.tell()]);
      expect(queries).toBe(2);
    } finally {
      await database.close();
      await house.database.db.deleteFrom('sessions').execute();
    }
  });

  it('are not told while they cannot be counted, and nobody waits for that', async () => {
    const registry = newRegistry();
    let answer = (): Promise<Map<never, number>> => Promise.reject(new Error('away'));
    const timers: (() => void)[] = [];
    watchSessions(registry, {
      count: () => answer(),
      states: shownStatus.options,
      clock: {
        ...house.clock,
        after: (_delayMs, action) => {
          timers.push(action);
          return () => {};
        },
      },
    });
    expect(await told(registry, 'sessions{')).toEqual({});
    // A failure is not remembered; an answer that never comes is given up.
    answer = () => new Promise(() => {});
    const looking = told(registry, 'sessions{');
    await vi.waitFor(() => expect(timers).toHaveLength(2));
    timers[1]?.();
    expect(await looking).toEqual({});
  });
});

describe('places', () => {
  it('a session that is made, stopped and started again, and one that cannot start', async () => {
    const registry = newRegistry();
    const fake = createFakeDriver();
    let refuses = false;
    const driver: typeof fake = {
      ...fake,
      start: async (...given) => {
        if (refuses) throw new Error('no');
        return fake.start(...given);
      },
    };
    const places = house.newPlaces(driver, { metrics: createPlaceMetrics(registry) });
    try {
      const person = await house.person();
      const { id } = await house.sessions.create(person, {});
      await vi.waitFor(async () => expect((await told(registry, 'places_started_total'))['']).toBe(1), 20_000);
      await house.sessions.stop(id, person);
      await vi.waitFor(async () => expect(await told(registry, 'places_ended_total')).toEqual({ stopped: 1 }), 20_000);
      refuses = true;
      await house.sessions.start(id, person);
      await vi.waitFor(
        async () => expect((await told(registry, 'place_start_failures_total'))['other']).toBeGreaterThan(0),
        20_000,
      );
      expect((await told(registry, 'places_started_total'))['']).toBe(1);
      await places.reconcileAll();
      expect((await told(registry, 'reconcile_duration_seconds_count'))['']).toBeGreaterThan(0);
    } finally {
      await places.close();
    }
  });
});

describe('what is stored', () => {
  it('is told after the commit, and never of a transaction that fails', async () => {
    const stored: string[] = [];
    const events = createEvents({
      ...house,
      store: createEventsStore(house.database),
      projections: [],
      onStored: ({ by, events: some }) => stored.push(...some.map(({ type }) => `${by} ${type}`)),
    });
    try {
      const person = await house.person();
      const { id } = await house.sessions.create(person, {});
      const renamed = {
        type: 'session.renamed',
        name: 'Other',
        by: { userId: person.actor.userId, name: 'Ada' },
      } as const;
      const failing = house.database.transaction(async (trx) => {
        await events.record(trx, id, [renamed]);
        throw new Error('no');
      });
      await expect(failing).rejects.toThrow('no');
      expect(stored).toEqual([]);
      await house.database.transaction(async (trx) => {
        await events.record(trx, id, [renamed]);
        expect(stored).toEqual([]);
      });
      expect(stored).toEqual(['server session.renamed']);
      // A repeat stores nothing.
      const proposal = { source: 'test', n: 1, event: renamed };
      await events.append(id, [proposal], { by: 'server' });
      await events.append(id, [proposal], { by: 'server' });
      expect(stored).toHaveLength(2);
    } finally {
      events.close();
    }
  });
});

// Forks whose files do not come: what is said of them, what place they keep, and what their source keeps for them. The agents
// are tiny ones that know forks and hold no files.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { ComputeError } from '@remote-claude/compute';
import { agentPaths, type ForkFilled, type MemberRole, type SessionId } from '@remote-claude/contract';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { createConversationHouse, patience, type ConversationHouse } from '../../testing/conversation-house.js';
import { testTiming } from '../../testing/session-house.js';
import type { Places, PlacesDeps } from './index.js';
import { createPlacesStore, type PlaceRow } from './store.js';

let stage: ConversationHouse;
let house: ConversationHouse['house'];
let places: Places;
/** What the agent of each session keeps for its forks, on a disk that outlives it. */
let kept: Map<string, Set<string>>;
let exported: string[];
/** What the agent that is asked for the files says; null for the files. */
let refusal: { status: number; code: string; message: string } | null;

const filled: ForkFilled = {
  files: 1,
  folders: 0,
  bytes: 1,
  leftOut: 0,
  skipped: { count: 0, items: [] },
  isExact: true,
};

const json = (response: ServerResponse, status: number, body: unknown): void => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
};
const answers: Readonly<Record<string, (id: string, body: string, response: ServerResponse) => void>> = {
  [agentPaths.forkPoint]: (id, body, response) => {
    kept.set(id, (kept.get(id) ?? new Set()).add(forkIdIn(body)));
    json(response, 200, { checkpointId: crypto.randomUUID(), tree: '0'.repeat(64), turnId: null });
  },
  [agentPaths.forkPoints]: (id, _body, response) =>
    json(response, 200, { points: [...(kept.get(id) ?? [])].map((forkId) => ({ forkId, ageMs: 0 })) }),
  [agentPaths.forkRelease]: (id, body, response) => {
    kept.get(id)?.delete(forkIdIn(body));
    json(response, 200, { ok: true });
  },
  [agentPaths.forkExport]: (_id, body, response) => {
    exported.push(forkIdIn(body));
    if (refusal === null) return void response.writeHead(200).end('bytes');
    json(response, refusal.status, { error: { code: refusal.code, message: refusal.message } });
  },
  [agentPaths.forkState]: (_id, _body, response) => json(response, 200, { filled: null }),
  [agentPaths.forkImport]: (_id, _body, response) => json(response, 200, filled),
};
const forkIdIn = (body: string): string => (JSON.parse(body) as { forkId: string }).forkId;
const onRequest = (id: string, request: IncomingMessage, response: ServerResponse): boolean => {
  const answer = answers[request.url ?? ''];
  if (answer === undefined) return false;
  void text(request).then((body) => answer(id, body, response));
  return true;
};

beforeEach(async () => {
  stage = await createConversationHouse();
  ({ house } = stage);
  stage.settings.onRequest = onRequest;
  kept = new Map();
  exported = [];
  refusal = null;
  places = newPlaces();
});
afterEach(async () => {
  await places.close();
  await stage.close();
});

const newPlaces = (timing: Partial<PlacesDeps['timing']> = {}, capacity = 10): Places =>
  house.newPlaces(stage.driver, { capacity, timing: { ...testTiming, longestRetryMs: 100, ...timing } });
const row = async (id: string): Promise<PlaceRow> => {
  const found = await createPlacesStore(house.database).find(id);
  if (found === null) throw new Error('no such session');
  return found;
};
const wordsOf = async (id: string) => (await row(id)).state.place;
const untilIs = (id: string, status: string): Promise<void> =>
  vi.waitFor(async () => expect((await wordsOf(id)).status).toBe(status), patience);
const untilWaits = (id: string): Promise<void> =>
  vi.waitFor(async () => expect((await wordsOf(id)).step).toBe('Waiting for “New session”'), patience);
const timesSaid = async (id: string, reason: string | null): Promise<number> =>
  (await house.events.read(id, { after: 0 }, 500)).filter(
    ({ event }) => event.type === 'place.changed' && event.reason === reason,
  ).length;
/** Of a session whose files do not come as long as its source is stopped. */
const waiting = async () => {
  const { person, id: sourceId } = await stage.running();
  const release = stage.driver.hold('start');
  const { id } = await house.sessions.fork(sourceId, person, {});
  await house.sessions.stop(sourceId, person);
  await untilIs(sourceId, 'stopped');
  release();
  await untilWaits(id);
  return { person, sourceId, id };
};
const share = (sessionId: SessionId, userId: string, role: MemberRole) =>
  house.database.db
    .insertInto('session_members')
    .values({ session_id: sessionId, user_id: userId, role, added_at: new Date() })
    .execute();

describe('a fork whose source can give nothing any more', () => {
  test('fails once with what happened and what to do, keeps its history, and its place is free', async () => {
    const { person, sourceId, id } = await waiting();
    await house.sessions.terminate(sourceId, person);
    await untilIs(id, 'failed');
    await vi.waitFor(async () => expect((await row(id)).placeId).toBeNull(), patience);
    const { reason, next } = await wordsOf(id);
    expect(reason).toContain('was terminated before its files were copied');
    expect(next).toContain('Terminate this session');
    const events = await house.events.read(id, { after: 0 }, 500);
    expect(events.some(({ event }) => event.type === 'session.forked')).toBe(true);
    await places.reconcileAll();
    await places.reconcile(id);
    expect(await timesSaid(id, reason)).toBe(1);
    expect(stage.driver.world.places.get((await row(id)).placeId ?? '')).toBeUndefined();
    // Asked again it says so again, and keeps no place.
    await house.sessions.start(id, person);
    await vi.waitFor(async () => expect(await timesSaid(id, reason)).toBe(2), patience);
    await vi.waitFor(async () => expect((await row(id)).placeId).toBeNull(), patience);
  });

  test('because it could not be started: says so, and goes on when that was mended and it is asked again', async () => {
    const { person, sourceId, id } = await waiting();
    stage.driver.behave({ fail: { start: new ComputeError('start_failed', 'The engine says no.') } });
    await house.sessions.start(sourceId, person);
    await untilIs(id, 'failed');
    expect((await wordsOf(id)).reason).toContain('could not be started: The engine says no.');
    stage.driver.behave({ fail: {} });
    expect(kept.get(sourceId)?.has(id)).toBe(true);
    await house.sessions.start(sourceId, person);
    await untilIs(sourceId, 'running');
    await house.sessions.start(id, person);
    await untilIs(id, 'running');
  });

  test('for nobody whom it is shared with no longer, and what was kept for them is let go', async () => {
    const { person: ada, id: sourceId } = await stage.running();
    const bob = await house.person('Bob');
    await share(sourceId, bob.actor.userId, 'editor');
    refusal = { status: 503, code: 'unavailable', message: 'Other forks are copied from this session just now.' };
    const { id } = await house.sessions.fork(sourceId, bob, {});
    await untilWaits(id);
    expect((await wordsOf(id)).reason).toBe('Other forks are copied from this session just now.');
    await house.database.db.deleteFrom('session_members').where('session_id', '=', sourceId).execute();
    refusal = null;
    await untilIs(id, 'failed');
    expect((await wordsOf(id)).reason).toContain('may not fork “New session” any more');
    await vi.waitFor(() => expect(kept.get(sourceId)).toEqual(new Set()), patience);
    // The owner's own fork is filled.
    const { id: own } = await house.sessions.fork(sourceId, ada, {});
    await untilIs(own, 'running');
  });

  test('that fails again and again keeps no place either', async () => {
    refusal = { status: 502, code: 'upstream_failed', message: 'The disk says no.' };
    const { person, id: sourceId } = await stage.running();
    const { id } = await house.sessions.fork(sourceId, person, {});
    await untilIs(id, 'failed');
    expect((await wordsOf(id)).reason).toContain('The disk says no.');
    await vi.waitFor(async () => expect((await row(id)).placeId).toBeNull(), patience);
    refusal = null;
    await house.sessions.start(id, person);
    await untilIs(id, 'running');
  });
});

describe('a fork that waits', () => {
  test('for too long stops with words, so that its place is another’s, and goes on when it is started again', async () => {
    await places.close();
    places = newPlaces({ forkWaitMs: 300 }, 1);
    const { person, id: sourceId } = await stage.running();
    const { id } = await house.sessions.fork(sourceId, person, {});
    await untilIs(id, 'queued');
    await house.sessions.stop(sourceId, person);
    await untilIs(id, 'stopped');
    const { reason, next } = await wordsOf(id);
    expect(reason).toContain('did not run for 1 min');
    expect(next).toContain('start this session again');
    expect((await row(id)).wanted).toBe('stopped');
    expect(kept.get(sourceId)?.has(id)).toBe(true);
    await places.close();
    places = newPlaces();
    await house.sessions.start(sourceId, person);
    await untilIs(sourceId, 'running');
    await house.sessions.start(id, person);
    await untilIs(id, 'running');
    await vi.waitFor(() => expect(kept.get(sourceId)).toEqual(new Set()), patience);
  });

  test('counts from the first word of it, also for the server that comes after', async () => {
    const { id } = await waiting();
    const { since } = await wordsOf(id);
    await places.close();
    places = newPlaces({ forkWaitMs: 1 });
    await places.start();
    await untilIs(id, 'stopped');
    const said = (await house.events.read(id, { after: 0 }, 500)).filter(
      ({ event }) => event.type === 'place.changed' && event.step === 'Waiting for “New session”',
    );
    expect(said.map(({ at }) => at)).toEqual([since]);
  });

  test('has no longer life than any other', async () => {
    const { id } = await waiting();
    await places.close();
    places = newPlaces({ maxDurationMs: 1 });
    await places.start();
    await untilIs(id, 'stopped');
    expect((await wordsOf(id)).reason).toBe('This session reached its longest duration.');
  });
});

describe('what a session keeps for its forks', () => {
  test('is let go when one is terminated, wherever that one was', async () => {
    refusal = { status: 503, code: 'unavailable', message: 'Later.' };
    const { person, id: sourceId } = await stage.running();
    const forks = await Promise.all([1, 2, 3].map(() => house.sessions.fork(sourceId, person, {})));
    const [placed, stopped, alive] = forks.map(({ id }) => id);
    await untilWaits(placed ?? '');
    await house.sessions.stop(stopped ?? '', person);
    await untilIs(stopped ?? '', 'stopped');
    for (const id of [placed, stopped]) await house.sessions.terminate(id as SessionId, person);
    await vi.waitFor(() => expect(kept.get(sourceId)).toEqual(new Set([alive])), patience);
  });

  test('is let go as soon as its agent is there again, and only what nobody needs', async () => {
    const { person, sourceId, id } = await waiting();
    const unborn = crypto.randomUUID();
    kept.get(sourceId)?.add(unborn);
    await house.sessions.terminate(id, person);
    await untilIs(id, 'stopped');
    expect(kept.get(sourceId)).toEqual(new Set([id, unborn]));
    await house.sessions.start(sourceId, person);
    await vi.waitFor(() => expect(kept.get(sourceId)).toEqual(new Set([unborn])), patience);
    expect(exported).toEqual([]);
  });
});

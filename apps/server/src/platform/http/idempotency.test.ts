import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppError, defineRoute, type Repeat } from '@remote-claude/contract';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';

import { createFakeClock } from '../../testing/fake-clock.js';
import { createTestApp, type TestApp } from '../../testing/http.js';
import { createTestDatabase, type TestDatabase } from '../../testing/postgres.js';
import { handle, type BoundRoute } from './types.js';

const clock = createFakeClock();
const people = [
  { email: 'ada@example.org', name: 'Ada', password: 'a long enough one' },
  { email: 'bob@example.org', name: 'Bob', password: 'another long one' },
] as const;

const routeOf = (id: string, repeat: Repeat | null) =>
  defineRoute({
    id,
    method: 'POST',
    path: `/${id}/:what`,
    summary: 'Of this test alone.',
    permission: 'signed-in',
    params: z.object({ what: z.string() }),
    body: z.looseObject({}),
    responses: { 201: z.object({ operationId: z.string(), text: z.string() }) },
    repeat,
  });

/** What the acts of the next requests do, by `what`; each is counted. */
const acts = new Map<string, (operationId: string) => Promise<string>>();
const done: string[] = [];
const bound = (id: string, repeat: Repeat | null): BoundRoute =>
  handle(routeOf(id, repeat), async ({ params: { what }, operationId }) => {
    done.push(what);
    const text = (await acts.get(what)?.(operationId)) ?? 'made';
    return { status: 201 as const, body: { operationId, text, secretColumn: 'never shown' } };
  });
const testRoutes = (): BoundRoute[] => [
  bound('harmless', 'harmless'),
  bound('also', 'harmless'),
  bound('refused', 'refused'),
  bound('unkeyed', null),
];

let folder: string;
let testDatabase: TestDatabase;
let first: TestApp;
/** Another server on the same database: a replica, or the same one started again. */
let second: TestApp;
const cookies: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rc-idempotency-'));
  testDatabase = await createTestDatabase();
  const newApp = () =>
    createTestApp({ testDatabase, clock, setupTokenPath: join(folder, 'token'), routes: () => testRoutes() });
  [first, second] = await Promise.all([newApp(), newApp()]);
  const [ada, bob] = people;
  await first.inject('POST', '/auth/setup', { body: { token: await first.setupToken.ensure(), ...ada } });
  for (const { email, password } of [ada, bob]) {
    const answer = await first.inject('POST', '/auth/login', { body: { email, password, session: 'cookie' } });
    cookies.push(answer.cookies.map(({ name, value }) => `${name}=${value}`).join('; '));
    if (email === ada.email) await first.inject('POST', '/users', { headers: { cookie: cookies[0] ?? '' }, body: bob });
  }
});
afterAll(async () => {
  await first?.close();
  await second?.close();
  await testDatabase?.close();
  await rm(folder, { recursive: true, force: true });
});

interface Options {
  key?: string;
  person?: number;
  server?: TestApp;
  body?: unknown;
}
const post = async (path: string, { key, person = 0, server = first, body = {} }: Options = {}) => {
  const keyed: Record<string, string> = key === undefined ? {} : { 'idempotency-key': key };
  const answer = await server.inject('POST', path, { headers: { cookie: cookies[person] ?? '', ...keyed }, body });
  return { status: answer.statusCode, repeated: answer.headers['idempotency-replayed'] === 'true', ...answer.json() };
};
const timesDone = (what: string): number => done.filter((one) => one === what).length;
const codeOf = (answer: { status: number; error?: { code: string } }) => [answer.status, answer.error?.code];

/** An act that waits until it is let go. */
const held = (what: string) => {
  let begun = (): void => {};
  let letGo = (): void => {};
  const hasBegun = new Promise<void>((resolve) => (begun = resolve));
  const free = new Promise<void>((resolve) => (letGo = resolve));
  acts.set(what, async () => {
    begun();
    await free;
    return 'held';
  });
  return { hasBegun, letGo };
};

it('answers a repeat as the first time, without the act, and without what the route does not name', async () => {
  const made = await post('/harmless/one', { key: 'k' });
  expect(made).toMatchObject({ status: 201, repeated: false, text: 'made' });
  const again = await post('/harmless/one', { key: 'k', server: second });
  expect(again).toEqual({ ...made, repeated: true });
  expect(again).not.toHaveProperty('secretColumn');
  expect(timesDone('one')).toBe(1);
});

it('does each request without a key, and each with another', async () => {
  const [a, b] = [await post('/harmless/free'), await post('/harmless/free')];
  const c = await post('/harmless/free', { key: 'free' });
  expect(new Set([a.operationId, b.operationId, c.operationId]).size).toBe(3);
});

it('keeps a key for one person and one route', async () => {
  const made = await post('/harmless/scope', { key: 'scope' });
  const others = [
    await post('/harmless/scope', { key: 'scope', person: 1 }),
    await post('/also/scope', { key: 'scope' }),
  ];
  for (const other of others) {
    expect(other).toMatchObject({ status: 201, repeated: false });
    expect(other.operationId).not.toBe(made.operationId);
  }
});

it.each([
  ['another body', '/harmless/body', { a: 2 }],
  ['another address', '/harmless/other-body', { a: 1 }],
])('refuses a key that comes again with %s', async (_name, path, body) => {
  await post('/harmless/body', { key: 'reused', body: { a: 1 } });
  const before = done.length;
  expect(codeOf(await post(path, { key: 'reused', body }))).toEqual([422, 'key_reused']);
  expect(done.length).toBe(before);
});

it('lets repeats that come meanwhile wait for the first', async () => {
  const { hasBegun, letGo } = held('meanwhile');
  const answers = [post('/refused/meanwhile', { key: 'm' })];
  await hasBegun;
  answers.push(post('/refused/meanwhile', { key: 'm' }), post('/refused/meanwhile', { key: 'm' }));
  expect(codeOf(await post('/refused/meanwhile', { key: 'm', body: { x: 1 } }))).toEqual([422, 'key_reused']);
  letGo();
  const all = await Promise.all(answers);
  expect(new Set(all.map(({ operationId }) => operationId as string)).size).toBe(1);
  expect(all.map(({ repeated }) => repeated)).toEqual([false, true, true]);
  expect(timesDone('meanwhile')).toBe(1);
});

it('of many at once on two servers makes one row, and one operation', async () => {
  const all = await Promise.all(
    Array.from({ length: 12 }, (_, n) => post('/harmless/many', { key: 'many', server: n % 2 ? first : second })),
  );
  expect(new Set(all.map(({ operationId }) => operationId as string)).size).toBe(1);
  expect(timesDone('many')).toBeLessThanOrEqual(2);
});

it('keeps a refusal, and does again what may pass', async () => {
  acts.set('never', () => Promise.reject(new AppError('session_limit', { limit: 5 })));
  acts.set('later', () => Promise.reject(new AppError('unavailable')));
  const refusal = await post('/harmless/never', { key: 'n' });
  expect(codeOf(refusal)).toEqual([409, 'session_limit']);
  expect((await post('/harmless/later', { key: 'l' })).status).toBe(503);
  for (const what of ['never', 'later']) acts.delete(what);
  const again = await post('/harmless/never', { key: 'n', server: second });
  expect(again.error).toMatchObject({ code: 'session_limit', details: { limit: 5 } });
  expect((await post('/harmless/later', { key: 'l' })).status).toBe(201);
});

it('after a server fell in the middle does the harmless again under its first id, and refuses the rest', async () => {
  const ids: string[] = [];
  const acted = (operationId: string): Promise<string> => {
    ids.push(operationId);
    return ids.length === 1 ? new Promise(() => {}) : Promise.resolve('made');
  };
  acts.set('fallen', acted);
  void post('/harmless/fallen', { key: 'f' }).catch(() => {});
  await expect.poll(() => ids.length).toBe(1);
  expect((await post('/harmless/fallen', { key: 'f', server: second })).operationId).toBe(ids[0]);
  expect(ids).toEqual([ids[0], ids[0]]);

  ids.length = 0;
  void post('/refused/fallen', { key: 'f' }).catch(() => {});
  await expect.poll(() => ids.length).toBe(1);
  expect(codeOf(await post('/refused/fallen', { key: 'f', server: second }))).toEqual([409, 'outcome_unknown']);
  expect(ids).toHaveLength(1);
});

it('goes on by itself where the first caller left', async () => {
  let leave = (): void => {};
  acts.set('left', () =>
    leaving.then(() => {
      acts.delete('left');
      throw new AppError('client_closed');
    }),
  );
  const leaving = new Promise<void>((resolve) => (leave = resolve));
  const gone = post('/harmless/left', { key: 'left' });
  await expect.poll(() => timesDone('left')).toBe(1);
  const stays = post('/harmless/left', { key: 'left' });
  leave();
  expect((await gone).status).toBe(499);
  expect(await stays).toMatchObject({ status: 201, text: 'made' });
});

it('keeps up to 64 KiB, to the byte, and nothing of the request', async () => {
  const odd = '\u0000 \ud83d\ude00 \\u0000 "';
  acts.set('odd', () => Promise.resolve(odd));
  acts.set('large', () => Promise.resolve('x'.repeat(65_600)));
  for (const key of ['o', 'o'])
    expect((await post('/refused/odd', { key, body: { password: 'hunter2' } })).text).toBe(odd);
  expect((await post('/refused/large', { key: 'l' })).text).toHaveLength(65_600);
  expect(codeOf(await post('/refused/large', { key: 'l' }))).toEqual([409, 'outcome_unknown']);
  const rows = await testDatabase.database.db.selectFrom('idempotency').selectAll().execute();
  expect(JSON.stringify(rows)).not.toContain('hunter2');
});

it('forgets a key after its time, swept or not', async () => {
  const made = await post('/harmless/old', { key: 'old' });
  clock.advance(86_400_001);
  // The sign-in is older than a renewal then; it is renewed, not lost.
  const anew = await post('/harmless/old', { key: 'old', body: { other: true } });
  expect(anew).toMatchObject({ status: 201, repeated: false });
  expect(anew.operationId).not.toBe(made.operationId);
  await first.idempotency.sweep();
  const left = await testDatabase.database.db.selectFrom('idempotency').select('key').execute();
  expect(left.map(({ key }) => key)).toEqual(['harmless old']);
});

it('takes no key that it could not keep, and none where the route takes none', async () => {
  for (const key of ['', 'a b', 'ü', 'x'.repeat(256)])
    expect(codeOf(await post('/harmless/wrong', { key }))).toEqual([400, 'bad_request']);
  expect(timesDone('wrong')).toBe(0);
  const [a, b] = [await post('/unkeyed/x', { key: 'u' }), await post('/unkeyed/x', { key: 'u' })];
  expect(a.operationId).not.toBe(b.operationId);
});

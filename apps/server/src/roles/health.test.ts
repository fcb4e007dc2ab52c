// Whether a process says the truth of itself, in time, and nothing that strangers should not know.

import { rootRoutes } from '@remote-claude/contract';
import { fastify } from 'fastify';
import { expect, it } from 'vitest';

import { registerHealth, type HealthDeps } from './health.js';
import { createLooks, databaseGone } from './looks.js';

const ask = async (
  deps: Omit<HealthDeps, 'app' | 'basePath'>,
  before: (health: { drain(): void }) => void = () => {},
) => {
  const app = fastify();
  before(registerHealth({ app, basePath: '/', ...deps }));
  const askedAtMs = performance.now();
  const answer = await app.inject({ url: '/readyz' });
  const tookMs = performance.now() - askedAtMs;
  await app.close();
  const body = rootRoutes.readyz.responses[200].parse(answer.json());
  return { status: answer.statusCode, body, tookMs };
};
const well = async (): Promise<string[]> => [];
const wrong = (reason: string) => async (): Promise<string[]> => [reason];
const never = (): Promise<string[]> => new Promise(() => {});

it('all is well', async () => {
  const { status, body } = await ask({ roles: { api: well }, reaches: { gateway: well }, helpers: [well] });
  expect([status, body]).toEqual([
    200,
    { ready: true, degraded: false, roles: { api: true }, reaches: { gateway: true }, reasons: [] },
  ]);
});

it('a role that does not work takes no work', async () => {
  const { status, body } = await ask({ roles: { 'session-manager': wrong('No lease.') }, reaches: {} });
  expect([status, body]).toEqual([
    503,
    { ready: false, degraded: false, roles: { 'session-manager': false }, reaches: {}, reasons: ['No lease.'] },
  ]);
});

it('where browsers come, it is as ready as what they come for: the rest is said', async () => {
  const { status, body } = await ask({ roles: { api: well, 'session-manager': wrong('No lease.') }, reaches: {} });
  expect([status, body.ready, body.degraded, body.reasons]).toEqual([200, true, true, ['No lease.']]);
});

it('without what helps it, or a role elsewhere, it goes on and says so', async () => {
  const gone = wrong('The gateway does not answer.');
  const { status, body } = await ask({
    roles: { api: well },
    reaches: { gateway: gone },
    helpers: [wrong('No Redis.')],
  });
  expect([status, body.ready, body.degraded]).toEqual([200, true, true]);
  expect(body.reasons).toEqual(['The gateway does not answer.', 'No Redis.']);
});

it('a database that says nothing is not waited for, one that throws at once, in words of ours', async () => {
  const silent = await ask({ roles: { api: never, gateway: never }, reaches: { gateway: never }, helpers: [never] });
  // By a timer of 1.5 s, with room for a machine that has much to do.
  expect(silent.tookMs).toBeGreaterThan(1_000);
  expect(silent.tookMs).toBeLessThan(10_000);
  expect([silent.status, silent.body.reasons]).toEqual([503, [databaseGone, 'The gateway does not answer.']]);
  const throws = async (): Promise<never> => {
    throw new Error('password authentication failed for postgres://user:secret@10.1.2.3');
  };
  const thrown = await ask({ roles: { api: throws }, reaches: {} });
  expect([thrown.status, thrown.body.reasons]).toEqual([503, [databaseGone]]);
});

it('one that ends takes no more work', async () => {
  const { status, body } = await ask({ roles: { api: well }, reaches: {} }, (health) => health.drain());
  expect([status, body.ready, body.reasons]).toEqual([503, false, ['The process is ending.']]);
});

it('however often somebody asks, a silent database has one question to answer', async () => {
  let [pings, connected, redis] = [0, true, true];
  const looks = createLooks({
    database: {
      ping() {
        pings += 1;
        return new Promise(() => {});
      },
    },
    bus: { isConnected: () => connected },
    isRedisReady: () => redis,
  } as never);
  for (let count = 0; count < 3; count += 1)
    expect((await ask({ roles: { api: looks.database }, reaches: {}, lookMs: 10 })).status).toBe(503);
  expect(pings).toBe(1);
  const helpers = async (): Promise<number> =>
    (await ask({ roles: { api: well }, reaches: {}, ...looks })).body.reasons.length;
  expect(await helpers()).toBe(0);
  redis = false;
  expect(await helpers()).toBe(1);
  connected = false;
  expect(await helpers()).toBe(2);
});

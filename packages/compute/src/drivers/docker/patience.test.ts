import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Driver, PlaceSpec } from '../../driver.js';
import { startRecordingEngine } from '../../testing/docker/recording-engine.js';
import type { RecordingEngine } from '../../testing/docker/recording-engine.js';
import { startStallingEngine } from '../../testing/docker/stalling-engine.js';
import type { Asked, Stall, StallingEngine } from '../../testing/docker/stalling-engine.js';
import { createEngineClient } from './client.js';
import { createDockerDriver, askEngineId } from './driver.js';
import { putArchive } from './put-archive.js';

/** Long for an engine on the same machine, short for a test. */
const silenceMs = 2_000;
let engine: RecordingEngine;
let stalling: StallingEngine;
let driver: Driver;

const limits = { cpus: 1, memoryBytes: 2 ** 30, processes: 100, openFiles: 1024 };
const specOf = (sessionId: string): PlaceSpec => ({
  ...{ sessionId, placeId: `place-${sessionId}`, disk: 'new', command: ['/bin/true'], environment: {}, limits },
});

beforeAll(async () => {
  engine = await startRecordingEngine();
  stalling = await startStallingEngine(engine.host.replace('unix://', ''));
  const address = { host: stalling.host, tls: null, silenceMs };
  const named = { engine: address, prefix: 'claude-session', installation: 'here' };
  driver = createDockerDriver({
    ...named,
    engineId: await askEngineId({ ...named, make: true }),
    socketDir: '/run/sockets',
    image: 'the-image',
    runtime: 'runc',
    user: { uid: 1000, gid: 1000 },
    gateway: { uid: 7, gid: 7 },
    seccompProfile: null,
    apparmorProfile: null,
  });
});
beforeEach(() => stalling.stall(null));
afterAll(async () => {
  await driver?.close();
  await stalling?.close();
  await engine?.close();
});

const silent = { code: 'not_ready', message: expect.stringContaining('it did not answer within 2 s') };

const calls: [string, Stall, (asked: Asked) => boolean][] = [
  ['what it is', 'half', ({ path }) => path === '/info'],
  ['the making of a container', 'unanswered', ({ path }) => path === '/containers/create'],
  ['the start of one', 'unanswered', ({ path }) => path.endsWith('/start')],
  ['files for one', 'unheard', ({ method, path }) => method === 'PUT' && path.endsWith('/archive')],
  ['anything', 'unheard', () => true],
];

it.each(calls)(
  'an engine that hangs when asked for %s (%s) keeps no session',
  async (name, at, which) => {
    stalling.stall({ which, at });
    const sessionId = name.replaceAll(' ', '-');
    await expect(driver.start(specOf(sessionId))).rejects.toMatchObject(silent);
    stalling.stall(null);
    // Its turn has passed: the same session starts as if nothing had been.
    expect(await driver.start(specOf(sessionId))).toMatchObject({ handle: { sessionId } });
    expect(stalling.hanging()).toBe(0);
  },
  90_000,
);

it('each verb ends', async () => {
  const { handle } = await driver.start(specOf('verbs'));
  stalling.stall({ which: () => true, at: 'unheard' });
  const verbs = [
    driver.prepare({}),
    driver.inspect(handle),
    driver.list(),
    driver.stop(handle, { graceMs: 0 }),
    driver.destroy('another'),
  ];
  await Promise.all(verbs.map((verb) => expect(verb).rejects.toMatchObject(silent)));
  const { ready, problems } = await driver.probe();
  expect([ready, problems[0]?.what]).toEqual([false, expect.stringContaining('did not answer')]);
}, 60_000);

it('an upload goes on for as long as bytes move, however long that takes', async () => {
  const docker = await createEngineClient({ host: stalling.host, tls: null, silenceMs: 2_000 })();
  const container = docker.getContainer('any');
  const from = engine.asked.length;
  const startMs = performance.now();
  const part = Buffer.alloc(512 * 2);
  await putArchive(container, '/', async (archive) => {
    for (let n = 0; n < 8; n += 1) {
      await new Promise((resolve) => setTimeout(resolve, 300));
      archive.entry({ name: `file-${n}` }, part);
    }
  });
  expect(performance.now() - startMs).toBeGreaterThan(2_000);
  expect(engine.asked.slice(from)).toMatchObject([{ method: 'PUT', path: '/containers/any/archive' }]);
}, 60_000);

import { describe, expect, it } from 'vitest';
import { ComputeError } from '../driver.js';
import { runDriverConformance } from './conformance.js';
import { createFakeDriver, createFakeWorld } from './fake.js';

const limits = { cpus: 1, memoryBytes: 1, processes: 1, openFiles: 1 };
const spec = { sessionId: 's', placeId: 'p', disk: 'new' as const, command: ['idle'], environment: {}, limits };

runDriverConformance({
  name: 'fake',
  places: 'pretended',
  limits: false,
  makeHarness: async () => {
    const world = createFakeWorld();
    return {
      driver: createFakeDriver({ world }),
      reopen: () => createFakeDriver({ world }),
      base: { environment: {}, limits },
      commands: { idle: ['idle'], exit: (code) => ['exit', String(code)], stubborn: ['stubborn'] },
      losses: [{ how: 'forgotten', lose: async (sessionId) => void world.disks.delete(sessionId) }],
      remains: async (sessionId) => [...world.disks].filter((id) => id === sessionId),
      inside: null,
      close: async () => {},
    };
  },
  describe,
  it,
});

describe('the misbehaving fake', () => {
  it('fails before acting, and after', async () => {
    const driver = createFakeDriver();
    driver.behave({ fail: { start: new ComputeError('start_failed', 'no') } });
    await expect(driver.start(spec)).rejects.toThrow('no');
    expect(driver.world.places.size).toBe(0);
    driver.behave({ fail: {}, failAfter: { start: new ComputeError('start_failed', 'lost') } });
    await expect(driver.start(spec)).rejects.toThrow('lost');
    expect((await driver.list()).map(({ placeId }) => placeId)).toEqual(['p']);
    expect(driver.calls.map(({ verb }) => verb)).toEqual(['start', 'start', 'list']);
  });

  it('has room for so many places, and for another one when one has ended', async () => {
    const driver = createFakeDriver();
    driver.behave({ room: 1 });
    const { handle } = await driver.start(spec);
    await expect(driver.start({ ...spec, sessionId: 't', placeId: 'q' })).rejects.toMatchObject({ code: 'no_room' });
    expect(driver.world.places.size).toBe(1);
    await driver.stop(handle, { graceMs: 0 });
    await driver.start({ ...spec, sessionId: 't', placeId: 'q' });
    expect((await driver.list()).map(({ placeId }) => placeId)).toEqual(['q']);
  });

  it('holds verbs until they are let go, and takes its time', async () => {
    const slept: number[] = [];
    const driver = createFakeDriver({ sleep: async (delayMs) => slept.push(delayMs) });
    const release = driver.hold('start');
    let done = false;
    const starting = driver.start(spec).then(() => {
      done = true;
    });
    await driver.list();
    expect(done).toBe(false);
    release();
    await starting;
    driver.behave({ delayMs: { inspect: 1234 } });
    await driver.inspect((await driver.start(spec)).handle);
    expect(slept).toEqual([1234]);
  });

  it('lets places die, tells lies, and reports starts and ends', async () => {
    const seen: string[] = [];
    const driver = createFakeDriver({
      onStart: ({ placeId }) => void seen.push(`start ${placeId}`),
      onEnd: ({ placeId }) => void seen.push(`end ${placeId}`),
    });
    const { handle } = await driver.start(spec);
    await driver.end('p', 137, 'out of memory');
    expect(await driver.inspect(handle)).toMatchObject({ status: 'error', reason: 'out of memory', exitCode: 137 });
    driver.behave({ lieAboutPlace: (truth) => ({ ...truth, status: 'running' }), lieAboutList: () => [] });
    expect((await driver.inspect(handle)).status).toBe('running');
    expect(seen).toEqual(['start p', 'end p']);
  });
});

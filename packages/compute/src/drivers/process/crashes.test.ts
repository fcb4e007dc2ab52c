/** What remains true when servers are killed, numbers come again, and notes are lost. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Driver, PlaceSpec, StartedPlace } from '../../driver.js';
import { newId, specFor, startProbe, untilStatus } from '../../testing/conformance-steps.js';
import { identify, isAlive } from './host-processes.js';
import { fromHandle, toHandle } from './place-record.js';
import { sessionPaths } from './session-paths.js';
import type { Errand } from '../../testing/process/doomed-server.js';
import { limitsHold, makeProcessHarness, systemPath } from '../../testing/process/harness.js';
import type { ProcessHarness } from '../../testing/process/harness.js';

let harness: ProcessHarness;
let driver: Driver;
const children: ChildProcess[] = [];

beforeEach(async () => {
  harness = await makeProcessHarness('bubblewrap');
  driver = harness.driver;
});

afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await harness.close();
});

function run(argv: string[], extra: ('ignore' | number)[] = []): ChildProcess {
  const [file = '', ...args] = argv;
  const child = spawn(file, args, { env: { PATH: systemPath }, stdio: ['ignore', 'pipe', 'inherit', ...extra] });
  children.push(child);
  return child;
}

/** Runs a server of its own until it has got as far as was asked, and kills it there. */
async function startAndKill(errand: Omit<Errand, 'options'>, extra: ('ignore' | number)[] = []): Promise<StartedPlace> {
  const program = fileURLToPath(new URL('../../testing/process/doomed-server.ts', import.meta.url));
  const loader = import.meta.resolve('tsx');
  const argument = JSON.stringify({ options: harness.options, ...errand });
  const server = run([process.execPath, '--import', loader, program, argument], extra);
  const exit = once(server, 'exit');
  for await (const line of createInterface({ input: server.stdout ?? process.stdin })) {
    server.kill('SIGKILL');
    await exit;
    return JSON.parse(line) as StartedPlace;
  }
  throw new Error('the server ended too early');
}

const recordOf = (spec: PlaceSpec) => join(harness.options.dataDir, 'sessions', spec.sessionId, 'driver', 'place.json');

describe('a server that is killed', () => {
  it('leaves its places running, and the next one finds and ends them', async () => {
    const spec = specFor(harness, { command: ['/bin/sh', '-c', 'sleep 1; echo still here > kept; sleep 100000'] });
    const { handle } = await startAndKill({ spec, until: 'started' });
    expect((await driver.inspect(handle)).status).toBe('running');
    expect(await driver.list()).toMatchObject([{ sessionId: spec.sessionId, placeId: spec.placeId, handle }]);
    const kept = join(sessionPaths(harness.options, spec.sessionId).workspace, 'kept');
    await expect.poll(() => existsSync(kept), { timeout: 20_000 }).toBe(true);
    expect((await driver.start(spec)).handle).toEqual(handle);
    await driver.stop(handle, { graceMs: 5_000 });
    expect(await driver.inspect(handle)).toMatchObject({ status: 'stopped', exitCode: 143 });
  });

  it('leaves the exit code of a place that ended without it', async () => {
    const spec = specFor(harness, { command: ['/bin/sh', '-c', 'sleep 1; exit 9'] });
    const { handle } = await startAndKill({ spec, until: 'started' });
    expect((await untilStatus(driver, handle, 'error')).exitCode).toBe(9);
  });

  it('between made and written down leaves a place that never ran, which is found and started anew', async () => {
    const spec = specFor(harness, { command: ['/bin/sh', '-c', 'echo ran >> runs; sleep 100000'] });
    const remains = (await startAndKill({ spec, until: 'gate' })) as unknown as {
      init: { pid: number; startTime: string };
    };
    const [found] = await driver.list();
    expect(found).toMatchObject({ sessionId: spec.sessionId, placeId: spec.placeId });
    expect((await driver.inspect(found?.handle ?? null)).status).toBe('starting');
    const runs = join(sessionPaths(harness.options, spec.sessionId).workspace, 'runs');
    expect(existsSync(runs)).toBe(false);
    const { handle } = await driver.start(spec);
    expect(isAlive(remains.init)).toBe(false);
    expect(await driver.list()).toMatchObject([{ sessionId: spec.sessionId, placeId: spec.placeId, handle }]);
    await expect.poll(() => existsSync(runs) && readFileSync(runs, 'utf8'), { timeout: 20_000 }).toBe('ran\n');
  });

  it('between made and written down leaves a place that can simply be stopped', async () => {
    await startAndKill({ spec: specFor(harness), until: 'gate' });
    for (const { handle } of await driver.list()) await driver.stop(handle, { graceMs: 0 });
    expect(await driver.list()).toEqual([]);
  });

  // Node itself marks what it inherited, but only up to the first gap in the numbers.
  it('passes none of its own inherited files on', async () => {
    const secret = join(harness.folder, 'inherited-secret');
    writeFileSync(secret, '');
    const file = openSync(secret, 'r');
    const spec = specFor(harness, { command: ['/bin/ls', '-l', '/proc/self/fd'] });
    const { handle } = await startAndKill({ spec, until: 'started' }, [...Array<'ignore'>(40).fill('ignore'), file]);
    closeSync(file);
    await untilStatus(driver, handle, 'stopped');
    const log = readFileSync(join(sessionPaths(harness.options, spec.sessionId).log, 'place.log'), 'utf8');
    expect(log).toContain('place.log');
    expect(log).not.toContain('inherited-secret');
  });
});

describe('lost and misleading notes', () => {
  it('a running place whose record is gone is found, and start takes it over', async () => {
    const spec = specFor(harness);
    const { handle } = await driver.start(spec);
    rmSync(recordOf(spec));
    const later = harness.reopen();
    expect(await later.list()).toMatchObject([{ sessionId: spec.sessionId, placeId: spec.placeId, handle }]);
    expect((await later.start(spec)).handle).toEqual(handle);
    expect(existsSync(recordOf(spec))).toBe(true);
  });

  it('a number that came again is another process: it is neither reported nor harmed', async () => {
    const { handle } = await driver.start(specFor(harness));
    const bystander = run(['/bin/sleep', '100000']);
    const found = identify(bystander.pid ?? 0);
    const place = fromHandle(handle);
    const recycled = { pid: bystander.pid ?? 0, startTime: String(Number(found?.startTime) - 1) };
    const stale = toHandle({ ...place, init: recycled, monitor: recycled });
    expect((await driver.inspect(stale)).status).toBe('stopped');
    await driver.stop(stale, { graceMs: 0 });
    expect(found !== null && isAlive(found)).toBe(true);
    expect((await driver.inspect(handle)).status).toBe('running');
  });

  it('a handle from before the machine restarted means nothing that runs now', async () => {
    const { handle } = await driver.start(specFor(harness));
    const old = toHandle({ ...fromHandle(handle), bootId: 'another' });
    expect(await driver.inspect(old)).toMatchObject({ status: 'stopped', reason: 'The machine was restarted.' });
    await driver.stop(old, { graceMs: 0 });
    expect((await driver.inspect(handle)).status).toBe('running');
  });

  it('a garbled record is as none', async () => {
    const spec = specFor(harness);
    const { handle } = await driver.start(spec);
    writeFileSync(recordOf(spec), '{"place":');
    expect((await driver.list()).map(({ placeId }) => placeId)).toEqual([spec.placeId]);
    await driver.stop(handle, { graceMs: 0 });
    expect(await driver.list()).toEqual([]);
  });
});

const limited = await limitsHold();

describe('deaths from outside', () => {
  it("bwrap's own death ends nothing, and the place is still stopped whole", async () => {
    const place = await startProbe(harness);
    const { monitor, init } = fromHandle(place.handle);
    process.kill(monitor.pid, 'SIGKILL');
    await expect.poll(() => isAlive(monitor), { timeout: 10_000 }).toBe(false);
    expect((await driver.inspect(place.handle)).status).toBe('running');
    expect(await place.ask('return 1')).toBe(1);
    await driver.stop(place.handle, { graceMs: 5_000 });
    expect(isAlive(init)).toBe(false);
  });

  it('a killed place is an error with its signal, and its successor has its files', async () => {
    const spec = specFor(harness);
    const { handle } = await driver.start(spec);
    process.kill(fromHandle(handle).init.pid, 'SIGKILL');
    expect(await untilStatus(driver, handle, 'error')).toMatchObject({ exitCode: 137 });
    const next = await driver.start({ ...spec, placeId: newId('place') });
    expect((await driver.inspect(next.handle)).status).toBe('running');
  });

  it.skipIf(!limited)('a place whose command eats the memory says so', async () => {
    const limits = { ...harness.base.limits, memoryBytes: 128 * 1024 * 1024 };
    const eat = 'const kept = []; for (;;) kept.push(Buffer.alloc(16 * 1024 * 1024, 1))';
    const spec = specFor(harness, { limits, command: [harness.inside.node, '-e', eat] });
    const { handle } = await driver.start(spec);
    expect((await untilStatus(driver, handle, 'error')).reason).toMatch(/more memory than its limit/);
  });

  it('what a command leaves in the background ends with it, though nobody looks', async () => {
    const place = await startProbe(harness);
    await place.ask(`
      const { spawn } = require('node:child_process');
      spawn('sleep', ['100000'], { detached: true, stdio: 'ignore' }).unref();
      setTimeout(() => process.exit(0), 50);`);
    await expect.poll(() => isAlive(fromHandle(place.handle).init), { timeout: 20_000 }).toBe(false);
  });

  it('sockets, limits and notes are gone after the end', async () => {
    const spec = specFor(harness);
    const { handle } = await driver.start(spec);
    await driver.stop(handle, { graceMs: 5_000 });
    expect(readdirSync(harness.options.runDir)).toEqual([]);
    const { key } = sessionPaths(harness.options, spec.sessionId);
    for (const controller of ['memory', 'pids', 'cpu', '.']) {
      expect(existsSync(join('/sys/fs/cgroup', controller, 'remote-claude', `place-${key}`))).toBe(false);
    }
  });
});

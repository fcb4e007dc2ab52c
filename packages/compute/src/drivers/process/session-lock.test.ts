/** Several servers on one data folder: what keeps two of them from acting on one session, and what happens when one hangs. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PlaceSpec } from '../../driver.js';
import { newId, specFor } from '../../testing/conformance-steps.js';
import type { Errand } from '../../testing/process/doomed-server.js';
import { makeProcessHarness, systemPath } from '../../testing/process/harness.js';
import type { ProcessHarness } from '../../testing/process/harness.js';
import { createProcessDriver } from './driver.js';
import { createSessionLocks } from './session-lock.js';

let harness: ProcessHarness;
const children: ChildProcess[] = [];

beforeEach(async () => {
  harness = await makeProcessHarness('none');
});

afterEach(async () => {
  for (const child of children.splice(0)) await kill(child);
  await harness.close();
});

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

/** A server in a process of its own that stands still in the middle of starting a place. */
async function hangIn(spec: PlaceSpec): Promise<{ server: ChildProcess; lines: AsyncIterator<string> }> {
  const program = fileURLToPath(new URL('../../testing/process/doomed-server.ts', import.meta.url));
  const errand: Errand = { options: harness.options, spec, until: 'hung' };
  const server = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), program, JSON.stringify(errand)], {
    env: { PATH: systemPath },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(server);
  const lines = createInterface({ input: server.stdout })[Symbol.asyncIterator]();
  expect(JSON.parse((await lines.next()).value as string)).toEqual({ hung: server.pid });
  // It says so a moment before.
  const state = () => /\) (\S)/.exec(readFileSync(`/proc/${server.pid}/stat`, 'latin1'))?.[1];
  await expect.poll(state, { timeout: 20_000 }).toBe('T');
  return { server, lines };
}

const locks = () => join(harness.options.dataDir, 'driver', 'locks');
const impatient = () => createProcessDriver({ ...harness.options, lockWaitMs: 200 });

describe('a server that hangs in the middle of a start', () => {
  it('keeps others from acting there, who say whom they wait for; its death frees it', async () => {
    const spec = specFor(harness);
    const { server } = await hangIn(spec);
    const driver = impatient();
    const refusal = {
      code: 'not_ready',
      message: expect.stringMatching(new RegExp(`Another server .*starting it, since .*process ${server.pid} on `)),
    };
    await expect(driver.start({ ...spec, placeId: newId('place') })).rejects.toMatchObject(refusal);
    await expect(driver.start(spec)).rejects.toMatchObject(refusal);
    await expect(driver.destroy(spec.sessionId)).rejects.toMatchObject(refusal);
    expect(await driver.list()).toEqual([]);
    // Other sessions are none of its business.
    const other = await driver.start(specFor(harness));
    expect((await driver.inspect(other.handle)).status).toBe('running');
    await kill(server);
    const { handle } = await driver.start({ ...spec, placeId: newId('place') });
    expect((await driver.inspect(handle)).status).toBe('running');
    await driver.close();
  });

  it('goes on when it can, and who waited for it finds its place', async () => {
    const spec = specFor(harness);
    const { server, lines } = await hangIn(spec);
    const driver = createProcessDriver({ ...harness.options, lockWaitMs: 60_000 });
    const waiting = driver.start(spec);
    server.kill('SIGCONT');
    const started = JSON.parse((await lines.next()).value as string) as { handle: unknown };
    expect((await waiting).handle).toEqual(started.handle);
    expect((await driver.list()).map(({ handle }) => handle)).toEqual([started.handle]);
    await driver.close();
  });
});

describe('the files of locks', () => {
  it('go with their session, and only with it', async () => {
    const spec = specFor(harness);
    const { handle } = await harness.driver.start(spec);
    await harness.driver.stop(handle, { graceMs: 0 });
    expect(readdirSync(locks())).toEqual([spec.sessionId]);
    await harness.driver.destroy(spec.sessionId);
    expect(readdirSync(locks())).toEqual([]);
  });

  it('that one waits for and that goes meanwhile is not taken for the next one', async () => {
    const folder = join(harness.folder, 'locks');
    const childEnv = { PATH: systemPath };
    const newLocks = () => createSessionLocks({ folder, flock: () => '/usr/bin/flock', childEnv, waitMs: 20_000 });
    let inside = 0;
    let most = 0;
    const act = async () => {
      inside += 1;
      most = Math.max(most, inside);
      await new Promise((resolve) => setTimeout(resolve, 5));
      inside -= 1;
    };
    const all = Array.from({ length: 4 }, newLocks).flatMap((one, index) =>
      [true, false, true].map((isLast) => one.run({ sessionId: 's', doing: `number ${index}`, isLast }, act)),
    );
    await Promise.all(all);
    expect(most).toBe(1);
  });

  it('are freed by an act that fails, or that is refused', async () => {
    const { driver } = harness;
    const spec = specFor(harness);
    const { handle } = await driver.start(spec);
    const second = { ...spec, placeId: newId('place') };
    await expect(driver.start(second)).rejects.toMatchObject({ code: 'place_exists' });
    await expect(driver.stop(handle, { graceMs: 0, mayAct: () => false })).rejects.toMatchObject({
      code: 'superseded',
    });
    const next = impatient();
    await next.stop(handle, { graceMs: 0 });
    expect((await next.inspect(handle)).status).toBe('stopped');
    await next.close();
  });

  it('need the system’s program, and say which', async () => {
    const driver = createProcessDriver({ ...harness.options, childEnv: { PATH: '/nonexistent' } });
    const { problems } = await driver.probe();
    expect(problems.map(({ what }) => what)).toContain('The program flock is not installed.');
    await expect(driver.destroy(newId('session'))).rejects.toMatchObject({
      code: 'not_ready',
      message: expect.stringContaining('util-linux'),
    });
    await driver.close();
  });
});

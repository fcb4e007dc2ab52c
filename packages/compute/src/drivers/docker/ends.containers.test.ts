/**
 * How places end, or stand still, by what happens outside of them; and an engine that hangs in the middle of a start.
 */
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { PlaceSpec } from '../../driver.js';
import { untilStatus } from '../../testing/conformance-steps.js';
import { makeDockerHarness } from '../../testing/docker/harness.js';
import type { DockerHarness } from '../../testing/docker/harness.js';
import { startStallingEngine } from '../../testing/docker/stalling-engine.js';
import { providedEngine } from '../../testing/engine.js';
import { createEngineClient } from './client.js';
import { createDockerDriver } from './driver.js';
import { containerName } from './names.js';

const { socketPath, sessionImage: image } = providedEngine();
const host = `unix://${socketPath}`;
let harness: DockerHarness;
let ids = 0;

beforeEach(async () => {
  harness = await makeDockerHarness({ host, image, runtime: 'runc' });
});
afterEach(() => harness.close());

const specOf = (command: string[]): PlaceSpec => {
  ids += 1;
  return { sessionId: `end-${ids}`, placeId: `place-${ids}`, disk: 'new', command, ...harness.base };
};
const containerOf = async ({ sessionId }: PlaceSpec) =>
  (await createEngineClient({ host, tls: null })()).getContainer(containerName(harness.options, sessionId));

it('what ended by itself says what it printed at last, and hides what is not text', async () => {
  const script = 'printf "first\\n\\033[31mno \\001journal\\n" >&2; exit 7';
  const { handle } = await harness.driver.start(specOf(['/bin/sh', '-c', script]));
  const { reason, exitCode } = await untilStatus(harness.driver, handle, 'error');
  expect(exitCode).toBe(7);
  expect(reason).toBe('Its command ended by itself with code 7. It printed at last: first no journal');
});

it('what somebody outside kills says so', async () => {
  const spec = specOf(harness.commands.idle);
  const { handle } = await harness.driver.start(spec);
  await (await containerOf(spec)).kill({ signal: 'SIGKILL' });
  const { reason, exitCode } = await untilStatus(harness.driver, handle, 'error');
  expect([exitCode, reason]).toEqual([137, 'It was ended by signal 9, as when its engine is restarted.']);
});

it('paused, it says why it does nothing and how it goes on; it can be stopped so', async () => {
  const spec = specOf(harness.commands.idle);
  const { handle } = await harness.driver.start(spec);
  const container = await containerOf(spec);
  await container.pause();
  const name = containerName(harness.options, spec.sessionId);
  expect((await harness.driver.inspect(handle)).reason).toContain(`docker unpause ${name}`);
  await container.unpause();
  expect((await harness.driver.inspect(handle)).reason).toBeNull();
  await container.pause();
  await harness.driver.stop(handle, { graceMs: 100 });
  expect((await harness.driver.inspect(handle)).status).toBe('stopped');
});

it('an engine that hangs as it starts one has it afterwards, once', async () => {
  const stalling = await startStallingEngine(socketPath);
  const engine = { host: stalling.host, tls: null, silenceMs: 5_000 };
  const driver = createDockerDriver({ ...harness.options, engine });
  const spec = specOf(harness.commands.idle);
  try {
    stalling.stall({ which: ({ path }) => path.endsWith('/start'), at: 'unanswered' });
    await expect(driver.start(spec)).rejects.toMatchObject({
      code: 'not_ready',
      message: expect.stringContaining('did not answer within 5 s'),
    });
    stalling.stall(null);
    const { handle } = await driver.start(spec);
    expect((await driver.inspect(handle)).status).toBe('running');
    expect(await driver.list()).toHaveLength(1);
  } finally {
    await driver.destroy(spec.sessionId);
    await driver.close();
    await stalling.close();
  }
});

import { createFakeDriver } from '@remote-claude/compute/testing';
import { expect, test } from 'vitest';

import { createGuardedDriver, LeaseLostError } from './guarded-driver.js';
import { createPatientDriver } from './patient-driver.js';
import { createFakeClock } from '../../testing/fake-clock.js';

const limits = { cpus: 1, memoryBytes: 1e9, processes: 100, openFiles: 1_000 };
const spec = {
  sessionId: 'session',
  placeId: 'place',
  disk: 'new' as const,
  command: ['idle'],
  environment: {},
  limits,
};

test.each(['start', 'stop', 'destroy'] as const)(
  'a %s whose turn comes after the end of the lease is not done',
  async (verb) => {
    const fake = createFakeDriver();
    let isHeld = true;
    const patient = createPatientDriver(fake, { clock: createFakeClock(), limitMs: 60_000 });
    const driver = createGuardedDriver(patient, () => isHeld);
    if (verb !== 'start') await driver.start(spec);
    const handle = { fake: true, sessionId: 'session', placeId: 'place' };
    const acts = {
      start: () => driver.start(spec),
      stop: () => driver.stop(handle, { graceMs: 0 }),
      destroy: () => driver.destroy('session'),
    };
    const release = fake.hold(verb);
    const late = acts[verb]();
    isHeld = false;
    release();
    await expect(late).rejects.toBeInstanceOf(LeaseLostError);
    expect(fake.world.places.get('place')?.status).toBe(verb === 'start' ? undefined : 'running');
    const before = fake.calls.length;
    await expect(acts[verb]()).rejects.toBeInstanceOf(LeaseLostError);
    expect(fake.calls).toHaveLength(before);
    // Looking is always allowed.
    expect(await driver.list()).toHaveLength(verb === 'start' ? 0 : 1);
  },
);

import { expect, test } from 'vitest';

import { createFakeClock } from '../testing/fake-clock.js';
import { createSilentLog } from '../testing/silent-log.js';
import { createSiteClock } from './site-clock.js';

const noon = new Date('2026-01-01T12:00:00Z').getTime();
const settled = () => new Promise((resolve) => setImmediate(resolve));

const open = async () => {
  const machine = createFakeClock(new Date('2026-01-01T13:00:00Z'));
  const site = { isAway: false, aheadMs: 0 };
  const ask = async (): Promise<Date> => {
    if (site.isAway) throw new Error('away');
    return new Date(noon + machine.monotonicMs() + site.aheadMs);
  };
  const clock = await createSiteClock({ machine, ask, log: createSilentLog(), everyMs: 1_000 });
  return { machine, site, clock };
};

test('says what the database says, and goes on with monotonic time whatever the machine is set to', async () => {
  const { machine, clock } = await open();
  expect(clock.now().getTime()).toBe(noon);
  machine.advance(500);
  machine.setWallClock(new Date('2020-01-01T00:00:00Z'));
  expect(clock.now().getTime()).toBe(noon + 500);
});

test('follows the database, and keeps time while it is away', async () => {
  const { machine, site, clock } = await open();
  site.aheadMs = 60_000;
  machine.advance(1_000);
  await settled();
  expect(clock.now().getTime()).toBe(noon + 61_000);
  site.isAway = true;
  for (let round = 0; round < 3; round += 1) {
    machine.advance(1_000);
    await settled();
  }
  expect(clock.now().getTime()).toBe(noon + 64_000);
  site.isAway = false;
  site.aheadMs = 0;
  machine.advance(1_000);
  await settled();
  expect(clock.now().getTime()).toBe(noon + 5_000);
});

test('asks no more when it is closed, and rejects where nobody answers', async () => {
  const { machine, site, clock } = await open();
  clock.close();
  site.aheadMs = 60_000;
  machine.advance(5_000);
  await settled();
  expect(clock.now().getTime()).toBe(noon + 5_000);
  const ask = () => Promise.reject(new Error('away'));
  await expect(createSiteClock({ machine, ask, log: createSilentLog() })).rejects.toThrow('away');
});

import { ComputeError } from '@remote-claude/compute';
import { createFakeDriver } from '@remote-claude/compute/testing';
import { expect, test, vi } from 'vitest';

import { createFakeClock } from '../../testing/fake-clock.js';
import { createSilentLog } from '../../testing/silent-log.js';
import { testTiming } from '../../testing/session-house.js';
import { createPreparation } from './preparation.js';

const needs = { image: 'registry.example/one:1' };
type Tell = (how: { what: string; percent: number | null }) => void;

/** A preparation whose end and words are the test's. */
const setUp = () => {
  const clock = createFakeClock();
  const driver = createFakeDriver();
  const woken: string[] = [];
  const tells: Tell[] = [];
  const prepare: typeof driver.prepare = (given, tell) => {
    tells.push(tell ?? (() => {}));
    return driver.prepare(given);
  };
  const deps = { clock, log: createSilentLog(), timing: { ...testTiming, retryMs: 1_000, maxAttempts: 2 } };
  const preparation = createPreparation({ ...deps, driver: { prepare }, again: (id) => void woken.push(id) });
  const asked = () => driver.calls.filter(({ verb }) => verb === 'prepare').length;
  return { clock, driver, preparation, woken, tells, asked };
};

test('where all is there nobody waits, and what is gone by the next time is seen', async () => {
  const { preparation, asked, woken } = setUp();
  expect(await preparation.look('a', needs)).toBeNull();
  expect(await preparation.look('a', needs)).toBeNull();
  expect([asked(), woken]).toEqual([2, []]);
});

test('it is done once for all who wait, and they hear of it at most every two seconds', async () => {
  const { clock, driver, preparation, woken, tells, asked } = setUp();
  const release = driver.hold('prepare');
  const looks = [preparation.look('a', needs), preparation.look('b', needs)];
  tells[0]?.({ what: 'Pulling image', percent: null });
  expect(await Promise.all(looks)).toEqual([
    { step: 'Pulling image', failure: null, againInMs: null },
    { step: 'Pulling image', failure: null, againInMs: null },
  ]);
  let heard = 0;
  for (let percent = 1; percent <= 80; percent += 1) {
    tells[0]?.({ what: 'Pulling image', percent });
    clock.advance(100);
    heard += woken.splice(0).length;
    await preparation.look('a', needs);
  }
  // 8 s in all.
  expect(heard).toBeGreaterThan(2);
  expect(heard).toBeLessThanOrEqual(6);
  clock.advance(2_000);
  expect(await preparation.look('a', needs)).toMatchObject({ step: 'Pulling image 80 %' });
  expect(asked()).toBe(1);
  woken.length = 0;
  release();
  await vi.waitFor(() => expect(woken).toContain('a'));
  expect(await preparation.look('a', needs)).toBeNull();
});

test('who waited goes on when it is there, also where each look is told something', async () => {
  const { driver, preparation, woken, tells, asked } = setUp();
  const release = driver.hold('prepare');
  const looks = [preparation.look('a', needs), preparation.look('b', needs)];
  tells[0]?.({ what: 'Bringing files', percent: 99 });
  expect(await Promise.all(looks)).toMatchObject([{ step: 'Bringing files 99 %' }, { step: 'Bringing files 99 %' }]);
  release();
  await vi.waitFor(() => expect(woken.slice(-2)).toEqual(['a', 'b']));
  expect(await preparation.look('a', needs)).toBeNull();
  expect(await preparation.look('b', needs)).toBeNull();
  expect(asked()).toBe(1);
});

test('one that failed says why, is tried again after a pause, and at once when somebody asks', async () => {
  const { clock, driver, preparation, asked, woken } = setUp();
  driver.behave({ fail: { prepare: new ComputeError('prepare_failed', 'The registry is away.') } });
  const failure = { reason: 'The registry is away.', isOver: false };
  expect(await preparation.look('a', needs)).toEqual({ step: null, failure, againInMs: 1_000 });
  clock.advance(400);
  expect(await preparation.look('a', needs)).toEqual({ step: null, failure, againInMs: 600 });
  expect(asked()).toBe(1);
  clock.advance(600);
  expect(await preparation.look('a', needs)).toMatchObject({ failure: { isOver: true }, againInMs: 2_000 });
  driver.behave({ fail: {} });
  preparation.hurry();
  expect(await preparation.look('a', needs)).toBeNull();
  expect([asked(), woken.length]).toEqual([3, 2]);
});

test('ahead of all sessions it is brought, and tried until it is there', async () => {
  const { clock, driver, preparation, asked } = setUp();
  driver.behave({ fail: { prepare: new ComputeError('not_ready', 'The engine is away.') } });
  preparation.ahead(needs);
  await vi.waitFor(() => expect(clock.planned()).toBe(1));
  driver.behave({ fail: {} });
  clock.advance(1_000);
  await vi.waitFor(() => expect(asked()).toBe(2));
  await vi.waitFor(() => expect(clock.planned()).toBe(0));
  clock.advance(60_000);
  expect(asked()).toBe(2);
});

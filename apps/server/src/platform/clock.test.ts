import { expect, test } from 'vitest';
import { createFakeClock } from '../testing/fake-clock.js';
import { createSystemClock } from './clock.js';

test('the system clock runs an action once, and not when it is cancelled', async () => {
  const clock = createSystemClock();
  const startMs = clock.monotonicMs();
  let cancelled = true;
  clock.after(5, () => {
    cancelled = false;
  })();
  await new Promise<void>((resolve) => {
    // The planned action does not keep the process alive; this timer does.
    const alive = setTimeout(() => {}, 10_000);
    clock.after(20, () => {
      clearTimeout(alive);
      resolve();
    });
  });
  expect(clock.monotonicMs() - startMs).toBeGreaterThanOrEqual(19);
  expect(cancelled).toBe(true);
});

test('the fake clock runs what falls due in order, also what was planned meanwhile', () => {
  const clock = createFakeClock();
  const seen: string[] = [];
  clock.after(30, () => seen.push(`late ${clock.monotonicMs()}`));
  clock.after(10, () => {
    seen.push(`early ${clock.monotonicMs()}`);
    clock.after(5, () => seen.push(`planned ${clock.monotonicMs()}`));
  });
  clock.after(20, () => seen.push('cancelled'))();
  clock.advance(29);
  expect(seen).toEqual(['early 10', 'planned 15']);
  clock.setWallClock(new Date('2020-01-01T00:00:00Z'));
  clock.advance(1);
  expect(seen.at(-1)).toBe('late 30');
  expect(clock.now().getUTCFullYear()).toBe(2020);
});

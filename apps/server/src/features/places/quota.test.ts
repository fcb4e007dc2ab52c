import { expect, test } from 'vitest';

import { createFakeClock } from '../../testing/fake-clock.js';
import { createQuota } from './quota.js';

const hourMs = 3_600_000;
const limits = { perHour: 100, perDay: 400, bytesPerDay: 1_000_000 };

test('what is shown is refused past the hour’s count, what keeps order is not, and both come back with time', () => {
  const clock = createFakeClock();
  const quota = createQuota(clock, limits);
  const taken = Array.from({ length: 150 }, () => quota.refuses('text', 10)).filter((why) => why === null);
  expect(taken).toHaveLength(100);
  expect(quota.closed()).toEqual({ why: expect.stringContaining('an hour'), forMs: 600_000 });
  for (let n = 0; n < 20; n += 1) expect(quota.refuses('turn.ended', 10)).toBeNull();
  // What keeps order has an end too.
  expect(quota.refuses('turn.ended', 10)).toContain('an hour');
  clock.advance(hourMs / 10);
  expect(quota.refuses('text', 10)).not.toBeNull();
  clock.advance(hourMs / 10);
  expect(quota.closed()).toBeNull();
  expect(quota.refuses('text', 10)).toBeNull();
  expect(quota.refuses('turn.ended', 10)).toBeNull();
});

test('a day has its own count, and bytes have one', () => {
  const clock = createFakeClock();
  const quota = createQuota(clock, limits);
  let taken = 0;
  for (let hour = 0; hour < 24; hour += 1) {
    for (let n = 0; n < 100; n += 1) if (quota.refuses('text', 10) === null) taken += 1;
    clock.advance(hourMs);
  }
  expect(taken).toBeLessThanOrEqual(limits.perDay * 2);
  expect(taken).toBeGreaterThanOrEqual(limits.perDay);
  const heavy = createQuota(createFakeClock(), limits);
  expect(heavy.refuses('text', 900_000)).toBeNull();
  expect(heavy.refuses('text', 900_000)).toContain('a day');
});

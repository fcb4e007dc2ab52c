import { describe, expect, test } from 'vitest';

import { lineWords, wayIn, type Line } from './line.js';

const line: Line = { capacity: 8, places: 8, ahead: 2, refusal: null };
const refused = (places: number, probeInMs = 1_000) => ({ places, said: 'No memory is left.', probeInMs });

describe('who may have a place', () => {
  test.each<[string, Partial<Line>, string]>([
    ['nobody, where all are taken', {}, 'none'],
    ['nor where there are more than there may be by now', { places: 12, ahead: 0 }, 'none'],
    ['the first, where one is free', { places: 7, ahead: 0 }, 'room'],
    ['not the second, for whom it is not kept', { places: 7, ahead: 1 }, 'none'],
    ['as many as are free', { places: 5, ahead: 2 }, 'room'],
    ['nobody, while the engine has no room', { places: 3, ahead: 0, refusal: refused(3) }, 'none'],
    ['the first, once a place has ended there', { places: 2, ahead: 0, refusal: refused(3) }, 'room'],
    ['the first, to see whether there is room again', { places: 3, ahead: 0, refusal: refused(3, 0) }, 'probe'],
    ['only the first', { places: 3, ahead: 1, refusal: refused(3, 0) }, 'none'],
    ['and never beyond the capacity', { ahead: 0, refusal: refused(3, 0) }, 'none'],
  ])('%s', (_what, change, expected) => {
    expect(wayIn({ ...line, ...change })).toBe(expected);
  });
});

describe('what is told', () => {
  const reason = (ahead: number, change: Partial<Line> = {}) => lineWords({ ...line, ...change, ahead }).reason;

  test('the place in line, and why', () => {
    expect(reason(2)).toBe('3rd in line: 8 of 8 places are taken.');
    expect(reason(0, { capacity: 1 })).toBe('1st in line: 1 of 1 place is taken.');
    expect(reason(9)).toBe('10th in line: 8 of 8 places are taken.');
    expect(reason(10)).toBe('Behind at least 10 others in line: 8 of 8 places are taken.');
    expect(reason(0, { refusal: refused(3) })).toBe('1st in line: No memory is left.');
    expect(reason(0, { refusal: refused(8) })).toBe('1st in line: 8 of 8 places are taken.');
  });

  test('it is never wrong, and when all of a long line move on by one, few are told', () => {
    let told = 0;
    for (let ahead = 1; ahead <= 200; ahead += 1) {
      const least = /Behind at least (\d+) others/.exec(reason(ahead))?.[1];
      if (least !== undefined) expect(Number(least)).toBeLessThanOrEqual(ahead);
      if (reason(ahead) !== reason(ahead - 1)) told += 1;
    }
    expect(told).toBeLessThanOrEqual(21);
  });
});

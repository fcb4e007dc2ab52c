import fc from 'fast-check';
import { expect, test } from 'vitest';

import { drawn, seen } from '../testing/seen-screen.js';
import { createEmulator } from './emulator.js';
import { createScreen } from './screen.js';

const cols = 30;
const rows = 10;
const scrollback = 5_000;
const esc = '\u001b';
const csi = `${esc}[`;

const number = (max: number): fc.Arbitrary<number> => fc.integer({ min: 1, max });
const counted = (letters: string): fc.Arbitrary<string> =>
  fc.tuple(number(12), fc.constantFrom(...letters.split(''))).map(([count, letter]) => `${csi}${count}${letter}`);
const fixed = (...sequences: string[]): fc.Arbitrary<string> => fc.constantFrom(...sequences);

const text = fc.oneof(
  fc.string({ unit: fc.constantFrom('a', 'b', 'q', 'x', '~', ' '), minLength: 1, maxLength: cols + 5 }),
  fixed(
    '漢字',
    '👍',
    'e\u0301',
    'ü',
    '한',
    '\t',
    '\b',
    '\r',
    '\n',
    '\r\n',
    '\r\n\r\n\r\n',
    'x'.repeat(cols),
    'wide 漢'.repeat(9),
  ),
);
const pen = fc.oneof(
  fc
    .constantFrom(0, 1, 2, 3, 4, 5, 7, 8, 9, 22, 23, 24, 27, 31, 39, 42, 49, 53, 55, 94, 103)
    .map((code) => `${csi}${code}m`),
  fc.tuple(fc.constantFrom(38, 48), number(255)).map(([base, colour]) => `${csi}${base};5;${colour}m`),
  fc.tuple(fc.constantFrom(38, 48), number(255), number(255)).map(([base, r, g]) => `${csi}${base};2;${r};${g};7m`),
);
const moves = fc.oneof(
  fc.tuple(number(rows + 1), number(cols + 2)).map(([row, column]) => `${csi}${row};${column}H`),
  counted('ABCDEFGd`'),
);
const changes = fc.oneof(
  counted('@PXLMSTb'),
  fixed('0J', '1J', '2J', '3J', '0K', '1K', '2K').map((tail) => csi + tail),
);
const region = fc
  .tuple(number(rows), number(rows))
  .map(([top, bottom]) => (top < bottom ? `${csi}${top};${bottom}r` : `${csi}r`));
const state = fixed(
  ...['7', '8', 'D', 'E', 'M', 'H', '(0', '(B', ')0', ')B', '=', '>', 'n', 'o', 'c'].map((tail) => esc + tail),
  ...['s', 'u', '3g', '0g', '4h', '4l', '!p', '2 q', '5 q'].map((tail) => csi + tail),
  '\u000e',
  '\u000f',
);
const modes = fc
  .tuple(
    fc.constantFrom(1, 6, 7, 9, 12, 25, 45, 47, 66, 1000, 1002, 1003, 1004, 1006, 1016, 1047, 1048, 1049, 2004),
    fc.boolean(),
  )
  .map(([mode, on]) => `${csi}?${mode}${on ? 'h' : 'l'}`);
const program = (maxLength: number): fc.Arbitrary<string> =>
  fc
    .array(
      fc.oneof({ arbitrary: text, weight: 6 }, { arbitrary: pen, weight: 2 }, moves, changes, region, state, modes),
      { maxLength },
    )
    .map((parts) => parts.join(''));

const screenOf = async (bytes: Buffer) => {
  const screen = createScreen({
    cols,
    rows,
    start: 0,
    tail: (from, to) => bytes.subarray(Math.max(0, from), to),
    maxUnreadBytes: 1024 * 1024,
    onAnswer: () => {},
    onRead: () => {},
  });
  screen.given(bytes.length);
  await screen.settled();
  const snapshot = screen.snapshot();
  screen.dispose();
  return snapshot;
};

test('whatever a program drew, the snapshot goes on as the original does', async () => {
  const property = fc.asyncProperty(program(60), program(40), async (before, after) => {
    const bytes = Buffer.from(before);
    const snapshot = await screenOf(bytes);
    const original = createEmulator(cols, rows, scrollback);
    const copy = createEmulator(cols, rows, scrollback);
    await drawn(original, bytes);
    await drawn(copy, snapshot.screen);
    expect(snapshot.offset).toBe(bytes.length);
    expect(seen(copy)).toEqual(seen(original));
    for (const emulator of [original, copy]) await drawn(emulator, after);
    expect(seen(copy)).toEqual(seen(original));
    original.terminal.dispose();
    copy.terminal.dispose();
  });
  await fc.assert(property, { numRuns: 200, seed: 2026 });
});

/** Enough short lines that the screen leaves some out. */
const linesOf = (start: string): string =>
  Array.from({ length: 14_000 }, (_, index) => `${start}${index}${'-'.repeat(index % 7)}\r\n`).join('');
const starts = fc.constantFrom('', 'line ', 'a line that is wider than this screen is ', 'ü漢 ', '\t');

test('lines that are left out leave no trace', async () => {
  const property = fc.asyncProperty(program(20), starts, program(20), async (before, start, after) => {
    const bytes = Buffer.from(before + linesOf(start) + after);
    const snapshot = await screenOf(bytes);
    const original = createEmulator(cols, rows, scrollback);
    const copy = createEmulator(cols, rows, scrollback);
    await drawn(original, bytes);
    await drawn(copy, snapshot.screen);
    expect(seen(copy)).toEqual(seen(original));
    for (const emulator of [original, copy]) await drawn(emulator, `${esc}8here${csi}?1049lthere`);
    expect(seen(copy)).toEqual(seen(original));
    original.terminal.dispose();
    copy.terminal.dispose();
  });
  await fc.assert(property, { numRuns: 15, seed: 2026 });
});

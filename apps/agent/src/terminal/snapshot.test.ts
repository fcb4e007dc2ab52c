import { SerializeAddon } from '@xterm/addon-serialize';
import { expect, test } from 'vitest';

import { drawn, seen } from '../testing/seen-screen.js';
import { createEmulator } from './emulator.js';
import { createScreen } from './screen.js';
import { drawScreen } from './snapshot.js';

const cols = 40;
const rows = 12;

const esc = '\u001b';
const fill = Array.from({ length: 30 }, (_, index) => `line ${index} ${esc}[3${index % 8}mcolour${esc}[0m\r\n`).join(
  '',
);

/** Before the snapshot, and what comes after it: the second must look the same on both screens. */
const cases: Record<string, [string, string]> = {
  'plain lines and scrollback': [fill, `more${esc}[2A up ${esc}[K\r\nend`],
  'colours and pen': [`${esc}[1;38;2;10;200;30;48;5;17mbold ${esc}[3;7mitalic`, 'goes on\r\nand on'],
  'vim: alternate screen, region, origin, mouse': [
    `${fill}${esc}[?1049h${esc}[2J${esc}[3;9r${esc}[?6h${esc}[?1000h${esc}[?1006h${esc}[?25l${esc}[?2004h${esc}[2;5H${esc}[44mediting`,
    `${esc}[H first${esc}[7;1H\n\n\nscrolled${esc}[?6l${esc}[r${esc}[?1049lback at the shell\r\n$ `,
  ],
  'scroll region on the normal screen': [
    `${fill}${esc}[2;5r${esc}[5;1Hat the edge`,
    '\n\n\none\n\rtwo\u001bM\u001bM\u001bM',
  ],
  'saved cursor with pen': [`${fill}${esc}[4;7H${esc}[31;1m${esc}7${esc}[0m${esc}[9;2Hhere`, `${esc}8restored`],
  'saved cursor under the alternate screen': [`${fill}${esc}[2;3H${esc}[?1049hinside`, `${esc}[?1049lX`],
  'alternate screen by 47': [`${fill}${esc}[5;6H${esc}7${esc}[8;1H${esc}[?47hinside`, `${esc}[?47ly${esc}8z`],
  'line drawing charset': [`${esc}(0lqqk`, `mqqj${esc}(Bplain`],
  'line drawing in G1, shifted': [`${esc})0\u000eqqq`, 'xx\u000fxx'],
  'tab stops': [`${esc}[3g${esc}[1;5H${esc}H${esc}[1;12H${esc}H\r`, 'a\tb\tc\td'],
  'pending wrap': ['x'.repeat(cols), 'wrapped'],
  'pending wrap in colour': [`${esc}[2;1H${esc}[45m${'y'.repeat(cols)}`, 'wrapped'],
  'pending wrap after a wide character': [`${'x'.repeat(cols - 2)}漢`, '字'],
  'insert mode and no wrap': [`abc${esc}[4h\r`, `1${esc}[?7l${'w'.repeat(cols + 5)}Z`],
  'erased with a colour': [`${fill}${esc}[42m${esc}[2J${esc}[6;6Hx`, `${esc}[K${esc}[1;1H${esc}[Lnew`],
  'wide and combining characters': ['漢字 e\u0301 👍 ok\r\n', 'after'],
  'after clear': [`${fill}${esc}[H${esc}[2J${esc}[3J$ `, 'ls\r\nfile\r\n'],
  'cleared with scrollback': [`${fill}${esc}[H${esc}[2J$ `, `ls\r\nfile\r\n${fill}`],
  'a title with controls': [`${esc}]2;a title${esc}\\text`, 'x'],
  'underline styles and colours': [`${esc}[4:3m${esc}[58:2::9:8:7mcurl${esc}[4:2m double${esc}[59m plain`, ' on'],
  'a link': [`${esc}]8;id=a;https://example.org/x\u0007link${esc}]8;;\u0007 text`, 'after'],
  'less: alternate screen, application cursor keys and keypad': [
    `${fill}${esc}[?1049h${esc}[22;0;0t${esc}[?1h${esc}=\r${fill}${esc}[7m(END)${esc}[27m${esc}[K`,
    `\r${esc}[K${esc}[?1l${esc}>${esc}[?1049l$ `,
  ],
  'htop: colours to the edge, no wrap at the corner': [
    `${fill}${esc}[?1049h${esc}[1;12r${esc}[?25l${Array.from({ length: rows }, (_, row) => `${esc}[${row + 1};1H${esc}[30;4${row % 8}m${'cell '.repeat(8)}`).join('')}`,
    `${esc}[3;1H${esc}[37;40mnew${esc}[6b${esc}[K${esc}[12;1H\r${esc}[?25h${esc}[?1049l`,
  ],
  'erased lines with a background, wrapped over': [
    `${esc}[44m${'w'.repeat(cols)}v${esc}[1;30H${esc}[20X`,
    `${esc}[2;1Hx`,
  ],
  'a character that is repeated': ['ab', `${esc}[7b`],
  'wrapped long line': ['z'.repeat(cols * 3 + 7), `${esc}[2Aup`],
};

for (const [name, [before, after]] of Object.entries(cases)) {
  test(`the snapshot goes on as the original does: ${name}`, async () => {
    const bytes = Buffer.from(before);
    const screen = createScreen({
      cols,
      rows,
      start: 0,
      tail: (from, to) => bytes.subarray(Math.max(0, from), to),
      maxUnreadBytes: 1_000_000,
      onAnswer: () => {},
      onRead: () => {},
    });
    screen.given(bytes.length);
    await screen.settled();
    const snapshot = screen.snapshot();
    expect(snapshot).toMatchObject({ cols, rows, offset: bytes.length });
    const original = createEmulator(cols, rows, 5_000);
    await drawn(original, bytes);
    const copy = createEmulator(cols, rows, 5_000);
    await drawn(copy, snapshot.screen);
    expect(seen(copy)).toEqual(seen(original));
    await drawn(original, after);
    await drawn(copy, after);
    expect(seen(copy)).toEqual(seen(original));
  });
}

test('a snapshot at any byte continues to the same screen', async () => {
  const whole = Buffer.from(
    `${fill}${esc}[?1049h${esc}[2;8r${esc}[31mrot 漢字 👍${esc}]2;title${esc}\\${esc}P$q"p${esc}\\ü${esc}[38;2;1;2;3mx\u009b5;5Hy\r\nend`,
  );
  const original = createEmulator(cols, rows, 5_000);
  await drawn(original, whole);
  const expected = seen(original);
  for (let cut = whole.length - 110; cut <= whole.length; cut += 1) {
    const tail = (from: number, to: number): Uint8Array => whole.subarray(Math.max(0, from), to);
    const screen = createScreen({
      cols,
      rows,
      start: 0,
      tail,
      maxUnreadBytes: 1_000_000,
      onAnswer: () => {},
      onRead: () => {},
    });
    screen.given(cut);
    await screen.settled();
    const snapshot = screen.snapshot();
    expect(snapshot.offset).toBeLessThanOrEqual(cut);
    expect(cut - snapshot.offset).toBeLessThan(20);
    const copy = createEmulator(cols, rows, 5_000);
    await drawn(copy, snapshot.screen);
    await drawn(copy, whole.subarray(snapshot.offset));
    expect(seen(copy), `cut at ${cut}`).toEqual(expected);
    screen.dispose();
  }
});

test('a snapshot stays within a frame, however colourful', async () => {
  const bytes = Buffer.from(
    Array.from({ length: 120_000 }, (_, index) => `${esc}[38;2;${index % 256};${index % 199};7m#`).join(''),
  );
  const screen = createScreen({
    cols: 400,
    rows: 300,
    start: 0,
    tail: (from, to) => bytes.subarray(Math.max(0, from), to),
    maxUnreadBytes: 1_000_000,
    onAnswer: () => {},
    onRead: () => {},
  });
  screen.given(bytes.length);
  await screen.settled();
  const { screen: text } = screen.snapshot();
  expect(Buffer.byteLength(JSON.stringify(text))).toBeLessThan(1_900_001);
  expect(text.includes('####')).toBe(true);
});

test('a snapshot is not much larger than what the emulator’s own addon writes, which leaves things out', async () => {
  const emulator = createEmulator(120, 40, 5_000);
  const addon = new SerializeAddon();
  emulator.terminal.loadAddon(addon);
  const line = (index: number): string =>
    `${esc}[3${index % 8}m${index}${esc}[0m ${esc}[1mmodule${esc}[0m did what it was asked to do\r\n`;
  await drawn(emulator, Array.from({ length: 6_000 }, (_, index) => line(index)).join(''));
  const ours = drawScreen(emulator, '', 1_900_000);
  expect(ours.length).toBeLessThan(1.2 * addon.serialize({ scrollback: 5_000 }).length);
  const copy = createEmulator(120, 40, 5_000);
  await drawn(copy, ours);
  expect(seen(copy)).toEqual(seen(emulator));
});

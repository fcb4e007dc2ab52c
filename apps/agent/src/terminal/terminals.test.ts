import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { decodeTerminalFrame, type AgentEvent, type ServerMessage, type TerminalId } from '@remote-claude/contract';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { createEmulator } from './emulator.js';
import { startShell } from './shell.js';
import { createTerminals, type Terminals, type Viewer, type ViewerSink } from './index.js';

let folder = '';
let open: Terminals[] = [];
let events: AgentEvent[] = [];

const start = async (options: { ringBytes?: number; stallMs?: number } = {}): Promise<Terminals> => {
  const terminals = await createTerminals({
    workspace: folder,
    stateDir: join(folder, 'state'),
    env: { PATH: '/usr/bin:/bin', HOME: folder, PS1: '$ ', HISTFILE: '', LANG: 'C.UTF-8' },
    shell: '/bin/bash',
    propose: async (event) => void events.push(event),
    log: () => {},
    ...options,
  });
  open.push(terminals);
  return terminals;
};

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'terminals-'));
  events = [];
  open = [];
});
afterEach(async () => {
  await Promise.all(open.map((terminals) => terminals.close()));
  await rm(folder, { recursive: true, force: true });
});

/** All that the agent's folder of state holds. */
const onDisk = async (): Promise<string> => {
  const entries = await readdir(join(folder, 'state'), { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return (await Promise.all(files.map((file) => readFile(file, 'latin1')))).join('\n');
};

const until = (condition: () => unknown): Promise<unknown> =>
  vi.waitFor(() => expect(condition()).toBeTruthy(), { timeout: 20_000, interval: 10 });

/** A viewer that draws at once, or not at all: what it got as bytes, by offset, and as messages. */
const createRecorder = (mayType: boolean) => {
  const messages: ServerMessage[] = [];
  const chunks: Buffer[] = [];
  const recorder = {
    viewer: null as Viewer | null,
    acking: true,
    writable: true,
    messages,
    /** Offset of the first byte of `bytes()`, after the last screen. */
    from: 0,
    at: 0,
    gaps: 0,
    received: 0,
    bytes: () => Buffer.concat(chunks),
    text: () => Buffer.concat(chunks).toString(),
    /** The newest output: cheap, however much there was. */
    latest: () => Buffer.concat(chunks.slice(-20)).toString(),
    screens: () => messages.filter((message) => message.type === 'terminal-screen'),
    sink: null as unknown as ViewerSink,
  };
  recorder.sink = {
    person: null,
    mayType,
    writable: () => recorder.writable,
    message: (message) => {
      messages.push(message);
      if (message.type !== 'terminal-screen') return;
      chunks.length = 0;
      recorder.from = recorder.at = message.payload.offset;
    },
    output: (bytes) => {
      const frame = decodeTerminalFrame(bytes)!;
      if (chunks.length === 0 && recorder.at === 0) recorder.from = recorder.at = frame.position;
      if (frame.position !== recorder.at) recorder.gaps += 1;
      recorder.at = frame.position + frame.bytes.length;
      recorder.received += frame.bytes.length;
      chunks.push(Buffer.from(frame.bytes));
      if (recorder.received > 32e6) chunks.length = 0;
      if (recorder.acking) setImmediate(() => recorder.viewer?.ack(recorder.at));
    },
  };
  return recorder;
};

const attach = async (terminals: Terminals, id: TerminalId, after?: number, mayType = true) => {
  const recorder = createRecorder(mayType);
  recorder.viewer = await terminals.attach(id, recorder.sink, after);
  return recorder;
};

const openOne = async (terminals: Terminals, size = { cols: 80, rows: 24 }) => {
  const id = randomUUID() as TerminalId;
  await terminals.create({ terminalId: id, ...size });
  return id;
};
const type = (terminals: Terminals, id: TerminalId, text: string, viewer?: Viewer | null): void =>
  terminals.write(id, Buffer.from(text), { person: null, viewer: viewer ?? undefined });

test('types, echoes, and tells of opening, renaming, end and closing', async () => {
  const terminals = await start();
  const id = randomUUID() as TerminalId;
  await Promise.all([
    terminals.create({ terminalId: id, cols: 80, rows: 24 }),
    terminals.create({ terminalId: id, cols: 10, rows: 5 }),
  ]);
  const one = await attach(terminals, id);
  type(terminals, id, 'echo $((40+2)) $TERM $COLORTERM; pwd\r', one.viewer);
  await until(() => one.text().includes('42 xterm-256color truecolor') && one.text().includes(`\n${folder}`));
  expect(one.gaps).toBe(0);
  await terminals.rename(id, 'build');
  type(terminals, id, 'exit 3\r');
  await until(() => events.length === 3);
  expect(() => type(terminals, id, 'x')).toThrow('has ended');
  expect(terminals.list()).toMatchObject([{ name: 'build', ended: true, exitCode: 3 }]);
  await terminals.destroy(id);
  await terminals.destroy(id);
  expect(events).toEqual([
    { type: 'terminal.opened', terminalId: id, name: 'Terminal 1', cols: 80, rows: 24 },
    { type: 'terminal.renamed', terminalId: id, name: 'build' },
    { type: 'terminal.ended', terminalId: id, exitCode: 3, reason: null },
    { type: 'terminal.closed', terminalId: id },
  ]);
  expect(await readdir(join(folder, 'state', 'terminals'))).toEqual([]);
  await expect(terminals.attach(id, one.sink)).rejects.toMatchObject({ code: 'not_found' });
});

test('who comes back gets the exact tail, and who was away too long a screen', async () => {
  const terminals = await start({ ringBytes: 1024 * 1024 });
  const id = await openOne(terminals);
  const whole = await attach(terminals, id, 0);
  type(terminals, id, 'seq 1 1000; echo do""ne\r');
  await until(() => whole.text().includes('done'));
  const late = await attach(terminals, id, 1_000);
  await until(() => late.at === whole.at);
  expect(late.from).toBe(1_000);
  expect(late.bytes().equals(whole.bytes().subarray(1_000))).toBe(true);
  type(terminals, id, 'seq 1 300000; echo fini""shed\r');
  await until(() => whole.latest().includes('finished'));
  const tooLate = await attach(terminals, id, 1_000);
  expect(tooLate.screens()).toHaveLength(1);
  const screen = tooLate.screens()[0]!.payload as { offset: number; skipped: number; screen: string };
  expect(screen.skipped).toBe(screen.offset - 1_000);
  await until(() => tooLate.at === whole.at);
  expect(tooLate.gaps).toBe(0);
  expect(screen.screen + tooLate.text()).toContain('300000\r\nfinished');
  const beyond = await attach(terminals, id, 10 ** 9);
  expect(beyond.screens()).toHaveLength(1);
});

test('a viewer that stops drawing holds nobody up, costs no memory, and ends with the right screen', async () => {
  const terminals = await start();
  const id = await openOne(terminals);
  const good = await attach(terminals, id);
  const stalled = await attach(terminals, id);
  stalled.acking = false;
  type(terminals, id, 'yes abcdefgh | head -c 6000000; echo en""d\r', good.viewer);
  await until(() => good.latest().includes('end'));
  expect(good.gaps).toBe(0);
  expect(stalled.received).toBeLessThanOrEqual(1024 * 1024 + 64 * 1024);
  stalled.acking = true;
  stalled.viewer?.ack(stalled.at);
  await until(() => stalled.screens().length >= 2 && stalled.at === good.at);
  const emulator = createEmulator(80, 24, 100);
  const { screen } = stalled.screens().at(-1)!.payload as { screen: string };
  await new Promise<void>((resolve) => emulator.terminal.write(screen, resolve));
  await new Promise<void>((resolve) => emulator.terminal.write(stalled.bytes(), resolve));
  const lines = Array.from({ length: 24 }, (_, row) =>
    emulator.terminal.buffer.active.getLine(emulator.terminal.buffer.active.baseY + row)!.translateToString(true),
  );
  expect(lines.filter((line) => line !== '').slice(-3, -1)).toEqual(['abcdefgh', 'abcdefend']);
}, 60_000);

test('the pty waits for the fastest viewer, and no longer than it takes to see that it draws nothing', async () => {
  const terminals = await start({ stallMs: 1_500 });
  const id = await openOne(terminals);
  const only = await attach(terminals, id);
  only.acking = false;
  const before = process.memoryUsage().rss;
  type(terminals, id, 'yes\r');
  await until(() => only.received > 256 * 1024);
  const held = only.received;
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(only.received - held).toBeLessThan(256 * 1024);
  expect(only.received).toBeLessThan(700 * 1024);
  // Then it counts as lagging: the program runs free, and memory does not grow with it.
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  expect(process.memoryUsage().rss - before).toBeLessThan(150 * 1024 * 1024);
  only.acking = true;
  only.viewer?.ack(only.at);
  await until(() => only.screens().length >= 2);
  expect((only.screens().at(-1)!.payload as { skipped: number }).skipped).toBeGreaterThan(0);
  type(terminals, id, '\u0003echo al""ive\r', only.viewer);
  await until(() => only.latest().includes('alive'));
}, 60_000);

test('an unwritable sink gets nothing until it is writable again, then everything in order', async () => {
  const terminals = await start();
  const id = await openOne(terminals);
  const one = await attach(terminals, id, 0);
  const other = await attach(terminals, id, 0);
  one.writable = false;
  type(terminals, id, 'seq 1 5000; echo do""ne\r');
  await until(() => other.text().includes('done'));
  expect(one.text()).not.toContain('4999');
  one.writable = true;
  one.viewer?.resume();
  await until(() => one.at === other.at);
  expect(one.gaps).toBe(0);
  expect(one.bytes().equals(other.bytes())).toBe(true);
});

test('one size for all, told at the byte where it holds', async () => {
  const terminals = await start();
  const id = await openOne(terminals);
  const [one, other] = [await attach(terminals, id), await attach(terminals, id)];
  terminals.resize(id, { cols: 100, rows: 30 }, null);
  terminals.resize(id, { cols: 123, rows: 45 }, null);
  type(terminals, id, 'stty size\r');
  await until(() => one.text().includes('45 123') && other.text().includes('45 123'));
  const sizes = other.messages
    .filter((message) => message.type === 'terminal-resized')
    .map(({ payload }) => (payload as { cols: number }).cols);
  expect(sizes).toEqual([100, 123]);
  const late = await attach(terminals, id, 0);
  const replayed = late.messages
    .filter((message) => message.type === 'terminal-resized')
    .map(({ payload }) => (payload as { cols: number }).cols);
  expect([...new Set(replayed)]).toEqual(expect.arrayContaining([123]));
  expect(replayed.at(-1)).toBe(123);
  // The screen may be one of before the change, where it has not read so far yet; what comes behind it says the rest.
  const fresh = await attach(terminals, id);
  const lastSize = (): unknown =>
    fresh.messages.findLast(({ type }) => type === 'terminal-screen' || type === 'terminal-resized')?.payload;
  await until(() => fresh.at === late.at);
  expect(lastSize()).toMatchObject({ cols: 123, rows: 45 });
});

test('a question of a program is answered once: by the first viewer, or by the screen when nobody looks', async () => {
  const terminals = await start();
  const id = await openOne(terminals);
  const ask = `stty -echo -icanon min 1 time 20; printf '\\e[6n'; IFS= read -r -d R -t 5 x; stty sane; printf '%s' "$x" | od -c | head -2; echo do""ne\r`;
  type(terminals, id, ask);
  const one = await attach(terminals, id, 0);
  // The screen answers only while nobody looks; whichever it was, wait for the prompt to be free again.
  type(terminals, id, '\u001b[9;9R', one.viewer);
  await until(() => one.text().includes('done'));
  const [first, second] = [one, await attach(terminals, id)];
  type(terminals, id, `cat -v\r`);
  await until(() => first.text().includes('cat -v\r\n'));
  await new Promise((resolve) => setTimeout(resolve, 2_100));
  type(terminals, id, '\u001b[5;5R', second.viewer);
  type(terminals, id, '\u001b[7;7R', first.viewer);
  type(terminals, id, '\u001b[A', second.viewer);
  type(terminals, id, '\r', first.viewer);
  await until(() => first.text().includes('^[[7;7R^[[A'));
  expect(first.text()).not.toContain('5;5R');
}, 40_000);

describe('who may not type', () => {
  const read = (terminals: Terminals, id: TerminalId) => attach(terminals, id, undefined, false);
  const inFile = (name: string): Promise<string> => readFile(join(folder, name), 'latin1').catch(() => '');

  test('holds no program up, however slowly they draw, and ends with the right screen', async () => {
    // Nobody is found to have drawn nothing: it is not that which frees the program.
    const terminals = await start({ stallMs: 600_000 });
    const id = await openOne(terminals);
    const reader = await read(terminals, id);
    reader.acking = false;
    const begun = reader.at;
    let drawn = begun;
    const crawl = setInterval(() => reader.viewer?.ack((drawn += 1)), 20);
    try {
      type(terminals, id, 'yes abcdefgh | head -c 6000000; echo en""d > over; echo en""d\r');
      await vi.waitFor(async () => expect(await inFile('over')).toBe('end\n'), { timeout: 40_000, interval: 20 });
      expect(reader.received).toBeLessThanOrEqual(1024 * 1024 + 64 * 1024);
    } finally {
      clearInterval(crawl);
    }
    reader.acking = true;
    reader.viewer?.ack(reader.at);
    const shown = () => (reader.screens().at(-1)!.payload as { screen: string }).screen + reader.text();
    await until(() => shown().includes('abcdefend'));
    expect(reader.screens().length).toBeGreaterThan(1);
  }, 60_000);

  test('leaves a program that asks to the screen, and to the first who may', async () => {
    const terminals = await start();
    const id = await openOne(terminals);
    const reader = await read(terminals, id);
    const ask = (name: string) =>
      `stty -echo -icanon; printf '\\e[6n'; IFS= read -r -d R -t 20 x; stty sane; printf '%s' "$x" > ${name}; echo do""ne\r`;
    type(terminals, id, ask('first'));
    await vi.waitFor(async () => expect(await inFile('first')).toMatch(/^\u001b\[\d+;\d+$/), {
      timeout: 40_000,
      interval: 20,
    });
    const editor = await attach(terminals, id);
    const asked = reader.text().length;
    type(terminals, id, `: as""ks; ${ask('second')}`);
    await until(() => reader.text().slice(asked).includes('\u001b[6n'));
    type(terminals, id, '\u001b[7;7R', editor.viewer);
    await vi.waitFor(async () => expect(await inFile('second')).toBe('\u001b[7;7'), { timeout: 40_000, interval: 20 });
  }, 60_000);
});

test('what a killed agent left can be read, and is marked as ended', async () => {
  const first = await start();
  const id = await openOne(first, { cols: 90, rows: 20 });
  const viewer = await attach(first, id);
  type(first, id, 'seq 1 2000; echo la""st\r');
  await until(() => viewer.text().includes('last'));
  // A kill leaves the mirror on the disk as it is then.
  await vi.waitFor(async () => expect(await onDisk()).toContain('\r\nlast'), { timeout: 20_000, interval: 10 });
  events = [];
  const second = await start();
  await until(() => events.length === 1);
  expect(events).toMatchObject([{ type: 'terminal.ended', terminalId: id, exitCode: null }]);
  const again = await attach(second, id);
  const screen = again.screens()[0]!.payload as { screen: string; ended: boolean; cols: number };
  expect(screen).toMatchObject({ ended: true, cols: 90 });
  expect(screen.screen).toContain('\r\n1999\r\n2000\r\nlast');
  expect(() => type(second, id, 'x')).toThrow('has ended');
  const third = await start();
  expect(third.list()).toMatchObject([{ terminalId: id, ended: true }]);
  await third.destroy(id);
});

test('output that waits when the shell ends is not lost', async () => {
  const output: Buffer[] = [];
  let exitCode: number | null = null;
  const shell = startShell({
    shell: '/bin/bash',
    cwd: folder,
    env: { PATH: '/usr/bin:/bin', PS1: '$ ', HISTFILE: '' },
    cols: 80,
    rows: 24,
    onOutput: (bytes) => output.push(bytes),
    onExit: (code) => (exitCode = code),
  });
  shell.pause();
  shell.write('seq 1 500; echo the-e""nd; exit 4\r');
  await until(() => exitCode !== null);
  expect(exitCode).toBe(4);
  expect(Buffer.concat(output).toString()).toContain('499\r\n500\r\nthe-end');
});

test('at most twenty terminals, and idle is what has no foreground job', async () => {
  const terminals = await start();
  const ids: TerminalId[] = [];
  for (let index = 0; index < 20; index += 1) ids.push(await openOne(terminals));
  expect(() => terminals.create({ terminalId: randomUUID() as TerminalId, cols: 80, rows: 24 })).toThrow('at most 20');
  await until(() => terminals.idleMs() > 20);
  type(terminals, ids[3]!, 'sleep 30\r');
  await until(() => terminals.idleMs() === 0);
  // A shell that has just forked may swallow one.
  let pressedAt = -Infinity;
  await until(() => {
    if (performance.now() - pressedAt > 1_000) {
      pressedAt = performance.now();
      type(terminals, ids[3]!, '\u0003');
    }
    return terminals.idleMs() > 20;
  });
});

// The log's files on a real disk: how many, how large, who may read them; and what becomes of lines when they cannot be written.

import { mkdtemp, readdir, readFile, rename, rm, stat, symlink, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { createSystemClock, type Clock } from './clock.js';
import { openLogFile, type LogFile, type LogFileOptions } from './log-file.js';

const patience = { timeout: 20_000, interval: 10 };
const checkMs = 20;
let folder: string;
let file: LogFile | null;
let said: string[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rc-log-'));
  said = [];
});
afterEach(async () => {
  await file?.close();
  file = null;
  await rm(folder, { recursive: true, force: true });
});

const logs = (): string => join(folder, 'logs');
const open = async (change: Partial<LogFileOptions> = {}): Promise<LogFile> => {
  file = await openLogFile({
    path: join(logs(), 'server.log'),
    maxBytes: 1_000_000,
    rotate: 'daily',
    keep: 3,
    clock: countingClock(),
    say: { failed: (err) => said.push(`failed: ${(err as Error).message}`), healed: () => said.push('healed') },
    checkMs,
    ...change,
  });
  return file;
};
/** In the order of their numbers. */
const names = async (): Promise<string[]> =>
  (await readdir(logs())).toSorted((one, other) => Number(one.split('.')[2]) - Number(other.split('.')[2]));
const all = async (): Promise<string> =>
  (await Promise.all((await names()).map((name) => readFile(join(logs(), name), 'utf8')))).join('');
/** So often it was looked whether the file is there. */
let looks = 0;
const countingClock = (): Clock => {
  const clock = createSystemClock();
  return {
    ...clock,
    after(delayMs, action) {
      if (delayMs === checkMs) looks += 1;
      return clock.after(delayMs, action);
    },
  };
};

test('lines go to a file of the day that nobody else reads, and a second start goes on in it', async () => {
  const first = await open();
  expect(first.write('one\n')).toBe(true);
  await first.close();
  (await open()).write('two\n');
  await vi.waitFor(async () => expect(await all()).toBe('one\ntwo\n'), patience);
  const [name = ''] = await names();
  expect(name).toMatch(/^server\.\d{4}-\d\d-\d\d\.1\.log$/);
  expect((await stat(join(logs(), name))).mode & 0o777).toBe(0o600);
  expect((await stat(logs())).mode & 0o777).toBe(0o700);
  expect(said).toEqual([]);
});

test('beyond its size another is begun, and the oldest go', async () => {
  const log = await open({ maxBytes: 1_000 });
  const line = `${'x'.repeat(99)}\n`;
  for (let written = 0; written < 100; written += 1) {
    log.write(line);
    // As a server writes: not all at once.
    if (written % 10 === 9) await vi.waitFor(async () => expect((await all()).length).toBeGreaterThan(0), patience);
  }
  await vi.waitFor(async () => {
    const there = await names();
    expect(there.length).toBeLessThanOrEqual(3);
    expect(Number(there.at(-1)?.split('.')[2])).toBeGreaterThan(3);
  }, patience);
  for (const name of await names()) expect((await stat(join(logs(), name))).mode & 0o777).toBe(0o600);
  expect(said).toEqual([]);
});

test('files of starts before count too; what is not ours stays', async () => {
  await open();
  await file?.close();
  const old = ['server.2020-01-01.1.log', 'server.2020-01-01.2.log', 'server.2020-01-02.1.log'];
  const foreign = ['server.2020-01-01.1.txt', 'server.log', 'other.2020-01-01.1.log', 'server.2020-01-01.log'];
  for (const name of [...old, ...foreign]) await writeFile(join(logs(), name), name);
  await open();
  const there = await readdir(logs());
  expect(there).toEqual(expect.arrayContaining(foreign));
  expect(there).not.toContain('server.2020-01-01.1.log');
  expect(there.filter((name) => !foreign.includes(name))).toHaveLength(3);
});

test('a folder that is gone, and one that cannot be made, are said once and mended', async () => {
  const log = await open();
  await rm(logs(), { recursive: true });
  await vi.waitFor(() => expect(said).toEqual(['failed: The file was moved or removed.', 'healed']), patience);
  log.write('in a new folder\n');
  await vi.waitFor(async () => expect(await all()).toBe('in a new folder\n'), patience);

  said = [];
  await rm(logs(), { recursive: true });
  await writeFile(logs(), 'a file where the folder was');
  await vi.waitFor(() => expect(said).toHaveLength(1), patience);
  // Some more looks say nothing more, and no line is taken.
  await vi.waitFor(() => expect(log.write('not taken\n')).toBe(false), patience);
  const before = looks;
  await vi.waitFor(() => expect(looks).toBeGreaterThan(before + 3), patience);
  expect(said).toHaveLength(1);
  await unlink(logs());
  await vi.waitFor(() => expect(said).toHaveLength(2), patience);
  expect(log.write('again\n')).toBe(true);
  await vi.waitFor(async () => expect(await all()).toBe('again\n'), patience);
});

test('a file that is moved away is followed by another', async () => {
  const log = await open();
  log.write('before\n');
  const [name = ''] = await names();
  await vi.waitFor(async () => expect(await readFile(join(logs(), name), 'utf8')).toBe('before\n'), patience);
  await rename(join(logs(), name), join(folder, 'moved'));
  await vi.waitFor(async () => expect(await names()).toEqual([name]), patience);
  await vi.waitFor(() => expect(said.at(-1)).toBe('healed'), patience);
  log.write('after\n');
  await vi.waitFor(async () => expect(await all()).toBe('after\n'), patience);
  expect(await readFile(join(folder, 'moved'), 'utf8')).toBe('before\n');
});

test('a disk that is full is said once; what is written meanwhile is refused, and the start goes on', async () => {
  await open();
  await file?.close();
  const [name = ''] = await names();
  await unlink(join(logs(), name));
  await symlink('/dev/full', join(logs(), name));
  const log = await open();
  await vi.waitFor(() => expect(log.write('no room\n')).toBe(false), patience);
  for (let line = 0; line < 1_000; line += 1) log.write(`${'x'.repeat(9_999)}\n`);
  await vi.waitFor(() => expect(said).toHaveLength(1), patience);
  expect(said[0]).toMatch(/^failed: ENOSPC/);
  await unlink(join(logs(), name));
  await vi.waitFor(() => expect(said).toEqual([expect.stringMatching(/ENOSPC/), 'healed']), patience);
  await vi.waitFor(() => expect(log.write('room\n')).toBe(true), patience);
  await vi.waitFor(async () => expect(await all()).toContain('room\n'), patience);
});

test('a path under a file, at the start: said, and the server starts', async () => {
  await writeFile(join(folder, 'file'), '');
  const log = await open({ path: join(folder, 'file', 'below', 'server.log') });
  expect(said).toEqual([expect.stringMatching(/^failed: (ENOTDIR|EEXIST)/)]);
  expect(log.write('lost\n')).toBe(false);
  await log.close();
  expect(log.write('after the end\n')).toBe(false);
});

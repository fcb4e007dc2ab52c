// The log as files: a new one each day or hour and beyond a size, the oldest removed. A disk that is full, or a folder that is
// gone, is said once and mended as soon as it can be; nothing waits for it. It does not know what is written.

import { fstat } from 'node:fs';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { promisify } from 'node:util';
import roll, { type RollingFile } from 'pino-roll';

import type { Cancel, Clock } from './clock.js';

export interface LogFileOptions {
  /** The day and a number go before its ending: `name.2026-01-31.1.log`. */
  path: string;
  maxBytes: number;
  rotate: 'daily' | 'hourly';
  /** Files there may be, with the one that is written. */
  keep: number;
  clock: Clock;
  say: { failed(err: unknown): void; healed(lost: number): void };
  /** Between two looks at whether it is still there. */
  checkMs?: number;
}

export interface LogFile {
  /** False where it is not known to arrive there. Never throws. */
  write(line: string): boolean;
  /** Writes what waits, as far as that takes a moment. */
  close(): Promise<void>;
}

/** Of lines that wait for a disk that is full. */
const maxWaitingBytes = 4 * 1024 * 1024;
const closeMs = 1_000;
const againMs = 100;
const dateFormats = { daily: 'yyyy-MM-dd', hourly: 'yyyy-MM-dd-HH' } as const;

/** Tries to open it; resolves in either case. */
export const openLogFile = async (options: LogFileOptions): Promise<LogFile> => {
  const { path, maxBytes, rotate, keep, clock, say, checkMs = 5_000 } = options;
  let stream: RollingFile | null = null;
  /** It has been said that it cannot be written; the last attempt to write failed. */
  let [failing, broken] = [false, false];
  let lost = 0;
  let closed = false;
  let cancelCheck: Cancel = () => {};

  const fail = (err: unknown): void => {
    broken = true;
    if (failing || closed) return;
    failing = true;
    say.failed(err);
  };
  const heal = (): void => {
    if (!failing || closed) return;
    failing = false;
    say.healed(lost);
    lost = 0;
  };

  const open = async (): Promise<void> => {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const made = await roll({
      file: path,
      size: `${maxBytes}b`,
      frequency: rotate,
      dateFormat: dateFormats[rotate],
      // Beside the one that is begun then.
      limit: { count: keep - 1, removeOtherLogFiles: true },
      mode: 0o600,
      maxLength: maxWaitingBytes,
    });
    await new Promise<void>((resolve, reject) => {
      made.once('ready', resolve);
      made.on('error', (err: Error) => {
        if (made === stream) return fail(err);
        // It has a timer that ends with it alone.
        made.emit('close');
        reject(err);
      });
    });
    made.on('drop', () => (lost += 1));
    made.on('write', () => (broken = false));
    stream = made;
    broken = false;
    heal();
    await removeOldest(path, keep);
  };

  const drop = (): void => {
    stream?.destroy();
    stream = null;
  };

  /** The file that is written is the one at its path. Asked twice: a new one may just be opened. */
  const isThere = async (written: RollingFile): Promise<boolean> => {
    if (await isOpenAt(written)) return true;
    await new Promise<void>((resolve) => clock.after(againMs, resolve));
    return isOpenAt(written);
  };

  const check = async (): Promise<void> => {
    try {
      if (stream !== null && !(await isThere(stream))) {
        fail(new Error('The file was moved or removed.'));
        drop();
      }
      if (closed) return;
      if (stream === null) await open();
      // What waits is tried again.
      else if (broken) stream.write('');
      else heal();
    } catch (err) {
      fail(err);
    }
    plan();
  };
  const plan = (): void => {
    if (!closed) cancelCheck = clock.after(checkMs, () => void check());
  };

  await open().catch(fail);
  plan();
  return {
    write(line) {
      if (closed) return false;
      try {
        if (stream === null) lost += 1;
        else stream.write(line);
      } catch (err) {
        lost += 1;
        fail(err);
      }
      return stream !== null && !failing;
    },
    async close() {
      closed = true;
      cancelCheck();
      const last = stream;
      if (last === null) return;
      const ended = new Promise<void>((resolve) => {
        last.once('close', resolve);
        clock.after(closeMs, resolve);
      });
      last.end();
      await ended;
    },
  };
};

const fdStat = promisify(fstat);

const isOpenAt = async ({ file, fd }: RollingFile): Promise<boolean> => {
  try {
    const [named, open] = await Promise.all([stat(file), fdStat(fd)]);
    return named.ino === open.ino && named.dev === open.dev;
  } catch {
    return false;
  }
};

/** Files of starts that lived for no rotation count too. */
const removeOldest = async (path: string, keep: number): Promise<void> => {
  const ending = extname(path);
  const stem = `${basename(path, ending)}.`;
  const ours = (await readdir(dirname(path)))
    .flatMap((name) => {
      const found = /^([\d-]{10,13})\.(\d+)(\.\w+)$/.exec(name.startsWith(stem) ? name.slice(stem.length) : '');
      const [, date = '', number = '', end = ''] = found ?? [];
      return end === (ending === '' ? '.log' : ending) ? [{ name, date, number: Number(number) }] : [];
    })
    .toSorted((one, other) => one.date.localeCompare(other.date) || one.number - other.number);
  for (const { name } of ours.slice(0, -keep)) await rm(join(dirname(path), name), { force: true });
};

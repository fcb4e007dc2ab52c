/**
 * One act at a time on a session, among all processes that share the data folder: a lock of the kernel on a file per
 * session, which ends with the process that holds it, however that ends. It does not know what is done under it.
 *
 * A process that is stopped, or swapped out, in the middle of an act keeps its lock: it may go on at any moment. Others
 * then do nothing and say whom they wait for.
 */
import { spawn } from 'node:child_process';
import {
  closeSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as timer } from 'node:timers/promises';
import { ComputeError } from '../../driver.js';

export interface LockedJob {
  sessionId: string;
  /** For those who wait. */
  doing: string;
  /** The session ends by it, and its file goes. */
  isLast?: boolean;
}

export interface SessionLocks {
  /** Runs the act alone, or rejects: with `not_ready` where another process is not done in time. */
  run<T>(job: LockedJob, act: () => Promise<T>): Promise<T>;
}

export interface SessionLocksOptions {
  folder: string;
  /** The system's `flock`, looked up anew each time; throws where there is none. */
  flock: () => string;
  childEnv: Record<string, string>;
  /** How long the act of another process is waited for. */
  waitMs: number;
}

const pauseMs = 100;
/** Of `flock -n` where another has the lock. */
const isTaken = 1;

export function createSessionLocks({ folder, flock, childEnv, waitMs }: SessionLocksOptions): SessionLocks {
  /** Locks the open file for as long as we have it open: the child locks what it inherits, and nobody else inherits it. */
  const lock = (file: number): Promise<boolean> =>
    new Promise((resolve, reject) => {
      const child = spawn(flock(), ['-x', '-n', '3'], { env: childEnv, stdio: ['ignore', 'ignore', 'pipe', file] });
      let said = '';
      child.stderr?.setEncoding('utf8').on('data', (text: string) => (said += text));
      child.once('error', reject);
      child.once('close', (code) => {
        if (code === 0 || code === isTaken) resolve(code === 0);
        else reject(new Error(`flock ended with ${code}: ${said.trim().slice(0, 300)}`));
      });
    });

  /** The open file with its lock; null where another has it. */
  const tryTake = async (path: string): Promise<number | null> => {
    const file = openSync(path, 'a+', 0o600);
    try {
      // A file that was removed since is nobody's: another may be locked under its name.
      if ((await lock(file)) && isStill(file, path)) return file;
    } catch (error) {
      closeSync(file);
      throw error;
    }
    closeSync(file);
    return null;
  };

  const take = async (path: string): Promise<number> => {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const begunAt = performance.now();
    for (;;) {
      const file = await tryTake(path);
      if (file !== null) return file;
      if (performance.now() - begunAt >= waitMs) throw stillAtWork(readHolder(path));
      await timer(pauseMs);
    }
  };

  return {
    async run({ sessionId, doing, isLast = false }, act) {
      const path = join(folder, sessionId);
      const file = await take(path);
      try {
        ftruncateSync(file);
        writeSync(file, `${doing}, since ${new Date().toISOString()}, by process ${process.pid} on ${hostname()}`);
        const done = await act();
        // Who waits for the lock of this file sees that it is gone, and makes another.
        if (isLast) rmSync(path, { force: true });
        return done;
      } finally {
        closeSync(file);
      }
    },
  };
}

function isStill(file: number, path: string): boolean {
  const named = statSync(path, { throwIfNoEntry: false });
  const opened = fstatSync(file);
  return named?.ino === opened.ino && named.dev === opened.dev;
}

function readHolder(path: string): string {
  try {
    return readFileSync(path, 'utf8').slice(0, 300);
  } catch {
    return '';
  }
}

const stillAtWork = (holder: string) =>
  new ComputeError(
    'not_ready',
    `Another server is still at work on the place of this session (${holder || 'it does not say what it does'}). ` +
      'Nothing was done, so that there are never two; if it hangs, end that process.',
  );

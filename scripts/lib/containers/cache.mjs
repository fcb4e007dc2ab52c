// What the tests of containers bring to this machine, kept between runs and shared by all clones of a user.
// It does not know what is kept. An entry appears whole under its name or not at all, and one process makes it.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { childEnv } from '../child-env.mjs';
import { plainError } from '../run.mjs';

function cacheFolder() {
  const { XDG_CACHE_HOME, HOME } = childEnv();
  return join(XDG_CACHE_HOME || join(HOME || homedir(), '.cache'), 'remote-claude-tests');
}

/**
 * Runs `work` while no other process has this lock. The kernel's own: the child that holds it ends when its input does,
 * so that the lock of a killed run is free at once.
 */
async function locked(path, work) {
  const holder = spawn('flock', [path, 'sh', '-c', 'echo held; exec cat'], {
    env: childEnv(),
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const ended = new Promise((resolve) => holder.once('close', resolve));
  try {
    await new Promise((resolve, reject) => {
      holder.stdout.once('data', resolve);
      holder.once('error', reject);
      holder.once('close', () => reject(plainError(`${path} could not be locked.`)));
    });
    return await work();
  } finally {
    holder.stdin.end();
    await ended;
  }
}

/** The path of an entry; where there is none yet, `make(path)` makes a file or folder there. */
export async function cached(name, make) {
  const folder = cacheFolder();
  const path = join(folder, name);
  if (existsSync(path)) return path;
  mkdirSync(folder, { recursive: true });
  return locked(join(folder, `${name}.lock`), async () => {
    if (existsSync(path)) return path;
    const making = join(folder, `${name}.making`);
    // What a killed run has left.
    rmSync(making, { recursive: true, force: true });
    try {
      await make(making);
      renameSync(making, path);
    } finally {
      rmSync(making, { recursive: true, force: true });
    }
    return path;
  });
}

/** Marks an entry as used now, and removes those of its family that were not used for longest. Open files stay readable. */
export function keepNewest(path, family, most) {
  const folder = cacheFolder();
  const now = new Date();
  utimesSync(path, now, now);
  const entries = readdirSync(folder)
    .filter((name) => name.startsWith(family) && !/\.(?:lock|making)$/.test(name))
    .map((name) => ({ name, usedAt: statSync(join(folder, name)).mtimeMs }))
    .toSorted((a, b) => b.usedAt - a.usedAt);
  for (const { name } of entries.slice(most)) rmSync(join(folder, name), { recursive: true, force: true });
}

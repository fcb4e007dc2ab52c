// One at a time over all scripts of this folder: two starts must not install or build into each other.
// It does not know what is guarded. The lock is a file with its owner's pid; a dead owner's lock is taken over.
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { root } from './run.mjs';

const pollMs = 200;
const folder = join(root, '.cache');
const path = join(folder, 'scripts.lock');

function ownerPid() {
  try {
    return Number(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Takes the lock or answers false. The file appears with its content, so no reader sees it empty. */
function take() {
  const own = `${path}.${process.pid}`;
  writeFileSync(own, String(process.pid));
  try {
    linkSync(own, path);
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    return false;
  } finally {
    rmSync(own, { force: true });
  }
}

/** Runs `work` while no other script of this folder runs its own. */
export async function alone(work) {
  mkdirSync(folder, { recursive: true });
  for (let waited = false; !take();) {
    const pid = ownerPid();
    if (pid === undefined) continue;
    if (!isAlive(pid)) {
      rmSync(path, { force: true });
      continue;
    }
    if (!waited) console.log(`waiting for process ${pid}, which installs or builds here`);
    waited = true;
    await wait(pollMs);
  }
  const release = () => rmSync(path, { force: true });
  process.once('exit', release);
  try {
    return await work();
  } finally {
    process.off('exit', release);
    release();
  }
}

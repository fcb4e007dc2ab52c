// Programs that stay, for the engine of tests: started, watched, ended by pid, and what they have left behind. It does not
// know what they are.
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, readdirSync } from 'node:fs';
import { basename } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { must } from './tools.mjs';

const pollMs = 50;

/** Waits until `check` gives something; throws what `why` says after `withinMs`. */
export async function until(check, withinMs, why) {
  const end = performance.now() + withinMs;
  for (;;) {
    const found = await check();
    if (found) return found;
    if (performance.now() > end) throw new Error(why());
    await wait(pollMs);
  }
}

export function isAlive(pid) {
  try {
    process.kill(pid, 0);
    // One that nobody waited for has ended too.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

function signal(pid, name) {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended.
  }
}

/** Ends processes, the hard way once `graceMs` are over, and resolves when they are gone. */
export async function end(pids, graceMs) {
  for (const pid of pids) signal(pid, 'SIGTERM');
  const areGone = () => !pids.some(isAlive);
  try {
    await until(areGone, graceMs, () => 'they stay');
  } catch {
    for (const pid of pids) signal(pid, 'SIGKILL');
    await until(areGone, 20_000, () => `processes that cannot be ended: ${pids.filter(isAlive).join(', ')}`);
  }
}

function readProcess(pid) {
  try {
    const args = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    // The second field may hold anything, so the others are counted from its end.
    const parent = Number(/^.*\) \S (\d+)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1]);
    return { pid, args, parent };
  } catch {
    return undefined;
  }
}

const engineProgram = /^(?:dockerd|containerd(?:-shim.*)?|runc|runsc.*)$/;
const belongsTo = (folder, [program, ...args]) =>
  engineProgram.test(basename(program)) && args.some((arg) => arg.includes(`${folder}/`));

/** The programs of an engine that work on this folder, and all that descend from them: what runs in its containers. */
export function processesOf(folder) {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readProcess(Number(name)))
    .filter((one) => one !== undefined && one.pid !== process.pid);
  const found = new Set(all.filter(({ args }) => belongsTo(folder, args)).map(({ pid }) => pid));
  for (let before = -1; before !== found.size;) {
    before = found.size;
    for (const { pid, parent } of all) if (found.has(parent)) found.add(pid);
  }
  return [...found];
}

/** Takes away every mount below a folder, the last one first. */
export async function unmountBelow(folder) {
  const points = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1]?.replace(/\\040/g, ' '))
    .filter((point) => point?.startsWith(`${folder}/`));
  for (const point of points.toReversed()) await must('umount', ['--lazy', point]).catch(() => undefined);
}

/** Starts a program in a process group of its own: what a terminal sends to ours does not reach it. Its words go to a file. */
export function startProgram([command, ...args], { env, logPath, cwd }) {
  const log = openSync(logPath, 'a');
  const child = spawn(command, args, { env, cwd, stdio: ['ignore', log, log], detached: true });
  closeSync(log);
  const ended = new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, name) => resolve(name ?? `code ${code}`));
  });
  return { pid: child.pid, ended };
}

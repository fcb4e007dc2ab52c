/**
 * Processes of the host as /proc shows them: who they are, whether they still live, and their end. It knows nothing of
 * places. A process is its number, its start time and the boot: a number alone may be anybody's tomorrow.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ProcessIdentity {
  pid: number;
  /** Clock ticks since boot, as /proc writes it. */
  startTime: string;
}

/** What a process number means something in. */
export interface NumberSpace {
  bootId: string;
  pidNamespace: string;
}

interface Stat {
  state: string;
  parent: number;
  startTime: string;
}

export function readNumberSpace(): NumberSpace {
  return {
    bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
    pidNamespace: readlinkSync('/proc/self/ns/pid'),
  };
}

function readStat(pid: number): Stat | null {
  const text = readText(`/proc/${pid}/stat`);
  if (text === null) return null;
  // The name in parentheses may hold spaces and parentheses of its own: fields are counted from the last one.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0] ?? '', parent: Number(fields[1]), startTime: fields[19] ?? '' };
}

export function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

export function identify(pid: number): ProcessIdentity | null {
  const stat = readStat(pid);
  return stat === null || isDead(stat) ? null : { pid, startTime: stat.startTime };
}

/** Also of a process that has ended and was not yet waited for. */
export function identifyEvenEnded(pid: number): ProcessIdentity | null {
  const stat = readStat(pid);
  return stat === null ? null : { pid, startTime: stat.startTime };
}

/** Whether its parent has taken note of its end. */
export function isForgotten(identity: ProcessIdentity): boolean {
  return readStat(identity.pid)?.startTime !== identity.startTime;
}

/** A zombie is dead: of a pid namespace's first process it also means that all others in there are gone. */
export function isAlive(identity: ProcessIdentity): boolean {
  const stat = readStat(identity.pid);
  return stat !== null && !isDead(stat) && stat.startTime === identity.startTime;
}

const isDead = (stat: Stat) => stat.state === 'Z' || stat.state === 'X' || stat.state === '';

export function allProcesses(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

export function childrenOf(pid: number): number[] {
  const listed = readText(`/proc/${pid}/task/${pid}/children`);
  if (listed !== null) return listed.split(' ').filter(Boolean).map(Number);
  // A kernel without that file.
  return allProcesses().filter((candidate) => readStat(candidate)?.parent === pid);
}

/** The number a process has in its innermost pid namespace. */
export function innermostPid(pid: number): number | null {
  const line = /^NSpid:\s+(.*)$/m.exec(readText(`/proc/${pid}/status`) ?? '');
  return line?.[1] === undefined ? null : Number(line[1].split(/\s+/).at(-1));
}

export function isInOwnPidNamespace(pid: number, own: NumberSpace): boolean {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`) === own.pidNamespace;
  } catch {
    return false;
  }
}

/** False where that process is no longer there. */
export function sendSignal(identity: ProcessIdentity, signal: NodeJS.Signals): boolean {
  if (!isAlive(identity)) return false;
  try {
    process.kill(identity.pid, signal);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

/** Polls with growing pauses (1 to 50 ms); true as soon as the condition holds, false at the end of the time. */
export async function waitUntil(condition: () => boolean, timeoutMs: number): Promise<boolean> {
  const end = performance.now() + timeoutMs;
  for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 2, 50)) {
    if (condition()) return true;
    if (performance.now() >= end) return false;
    await sleep(pauseMs);
  }
}

// Processes of a session as the host sees them, for tests that end one. It reads /proc and ends nothing itself.

import { readdir, readFile, readlink } from 'node:fs/promises';

import { until } from './wait.js';

export interface HostProcess {
  pid: number;
  parent: number;
  command: string;
  program: string;
}

const read = async (pid: number): Promise<HostProcess | null> => {
  try {
    const [stat, command, program] = await Promise.all([
      readFile(`/proc/${pid}/stat`, 'utf8'),
      readFile(`/proc/${pid}/cmdline`, 'utf8'),
      readlink(`/proc/${pid}/exe`).catch(() => ''),
    ]);
    // The name in brackets may hold anything; the state and the parent come behind the last bracket.
    const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' ? null : { pid, parent: Number(parent), command: command.replaceAll('\0', ' '), program };
  } catch {
    return null;
  }
};

const all = async (): Promise<HostProcess[]> => {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  return (await Promise.all(pids.map(read))).filter((found) => found !== null);
};

/** Everything that descends from the bubblewrap of this session's place. */
export const inPlaceOf = async (sessionId: string): Promise<HostProcess[]> => {
  const processes = await all();
  const inside = new Map(
    processes
      .filter(({ command }) => command.includes(sessionId) && /bwrap/.test(command))
      .map((found) => [found.pid, found]),
  );
  for (let before = -1; before !== inside.size;) {
    before = inside.size;
    for (const found of processes) if (inside.has(found.parent)) inside.set(found.pid, found);
  }
  return [...inside.values()];
};

const find = (sessionId: string, what: string, fits: (found: HostProcess) => boolean): Promise<number> =>
  until(async () => (await inPlaceOf(sessionId)).find(fits)?.pid, {
    what: `the process of ${what}`,
    timeoutMs: 30_000,
  });

export const agentPid = (sessionId: string): Promise<number> =>
  find(sessionId, 'the agent', ({ command }) => /\/agent\.mjs/.test(command) && !/bwrap/.test(command));

export const isClaude = ({ command, program }: HostProcess): boolean =>
  /(^|\/)claude$/.test(program) || /(^|\/)claude( |$)/.test(command.split(' ')[0] ?? '');

export const claudePid = (sessionId: string): Promise<number> => find(sessionId, 'Claude Code', isClaude);

export const isRunning = async (pid: number): Promise<boolean> => (await read(pid)) !== null;

export const untilGone = (pid: number): Promise<true> =>
  until(async () => (await read(pid)) === null || null, { what: `process ${pid} to end`, timeoutMs: 30_000 }).then(
    () => true as const,
  );

/**
 * Claude outlives a killed agent and would go on with its turn, unseen, beside the process of the next one. So its
 * process is written down, and ended by whoever comes next. A number that another process has by now is left alone.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';

export interface LeftoverProcess {
  /** Ends what the life before left, with everything in its process group. */
  end(): void;
  /** This process is to be ended by the next life. It leads a process group of its own. */
  note(pid: number): void;
}

export const createLeftoverProcess = (path: string): LeftoverProcess => ({
  end: () => {
    const { pid, startTime } = read(path);
    if (pid !== null && startTime !== null && startTimeOf(pid) === startTime) endGroup(pid);
    rmSync(path, { force: true });
  },
  note: (pid) => {
    try {
      writeFileSync(path, JSON.stringify({ pid, startTime: startTimeOf(pid) }), { mode: 0o600 });
    } catch {
      // A full disk: the process is not written down.
    }
  },
});

export const endGroup = (pid: number): void => {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It is gone.
  }
};

const read = (path: string): { pid: number | null; startTime: string | null } => {
  try {
    const { pid, startTime } = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
    return {
      pid: typeof pid === 'number' && Number.isInteger(pid) && pid > 1 ? pid : null,
      startTime: typeof startTime === 'string' ? startTime : null,
    };
  } catch {
    return { pid: null, startTime: null };
  }
};

/** In ticks since the machine started; with the number it names a process for good. */
const startTimeOf = (pid: number): string | null => {
  try {
    // The name of a program may hold spaces and brackets, so fields are counted from its end: the 22nd is the 20th then.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ');
    return fields?.[19] ?? null;
  } catch {
    return null;
  }
};

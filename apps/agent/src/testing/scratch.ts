/** Aids of the agent's tests: a temp folder, a child with a built environment, waiting for a condition. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const repository = fileURLToPath(new URL('../../../../', import.meta.url));
const patienceMs = 60_000;

export const scratchFolder = (): { path: string; remove(): void } => {
  const path = mkdtempSync(join(tmpdir(), 'rc-agent-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }) };
};

export const until = async <T>(
  what: string | (() => string),
  look: () => T | null | undefined | false,
  withinMs = patienceMs,
): Promise<T> => {
  const giveUpAt = Date.now() + withinMs;
  for (;;) {
    const found = look();
    if (found !== null && found !== undefined && found !== false) return found;
    if (Date.now() > giveUpAt) throw new Error(`Waited in vain for ${typeof what === 'string' ? what : what()}.`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};

/** A TypeScript program of this repository as a process of its own, with nothing of this machine's variables but PATH. */
export const runProgram = (
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): ChildProcess =>
  spawn(process.execPath, ['--conditions=source', '--import', 'tsx', join(repository, file), ...args], {
    cwd: repository,
    env: { PATH: systemPath, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });

export const systemPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export const exited = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve();
    else child.once('exit', () => resolve());
  });

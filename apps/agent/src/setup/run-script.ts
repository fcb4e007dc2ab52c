/**
 * Runs a set-up script through `session-init.sh`, and says how it ended. It does not know who asked for it, nor what is told of it.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';

export interface ScriptRun {
  /** Its own; null where it did not end by itself. */
  exitCode: number | null;
  outcome: 'done' | 'failed' | 'skipped';
  /** A sentence for people; null where it ended well. */
  reason: string | null;
}

export interface ScriptOptions {
  initPath: string;
  /** Has the script, its mark and its log; on the session's disk. */
  folder: string;
  workspace: string;
  environment: Readonly<Record<string, string>>;
  onOutput(text: string): void;
  /** Asks it to end, and then kills it. */
  signal: AbortSignal;
  killAfterMs: number;
}

/** After its end the last output is awaited so long, where something in the background keeps the pipe open. */
const lastOutputMs = 300;
const maxSaid = 64 * 1024;

/** Lines `init setup <state> <words>`; the last one counts. */
const lastSaid = (said: string): { state: string; words: string } | null => {
  const line = said
    .split('\n')
    .filter((text) => text.startsWith('init '))
    .at(-1);
  const [, state = '', words = ''] = /^init \S+ (\S+) (.*)$/.exec(line ?? '') ?? [];
  return state === '' ? null : { state, words };
};

const ended = (code: number | null, said: string): ScriptRun => {
  const last = lastSaid(said);
  if (code === 0) return { outcome: last?.state === 'skipped' ? 'skipped' : 'done', exitCode: 0, reason: null };
  const own = /^It ended with code (\d+);/.exec(last?.words ?? '')?.[1];
  const reason = last?.state === 'failed' ? last.words : 'What runs the set-up script ended by itself.';
  return { outcome: 'failed', exitCode: own === undefined ? null : Number(own), reason };
};

export const runScript = async (
  script: string,
  again: boolean,
  { initPath, folder, workspace, environment, onOutput, signal, killAfterMs }: ScriptOptions,
): Promise<ScriptRun> => {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, 'asked.sh');
  writeFileSync(file, script, { mode: 0o600 });
  if (again) rmSync(join(folder, 'setup.done'), { force: true });
  const child = spawn('bash', [initPath], {
    cwd: workspace,
    env: { ...environment, SESSION_SETUP_FILE: file, SESSION_STATE: folder, SESSION_WORKSPACE: workspace },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const decoder = new StringDecoder('utf8');
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-maxSaid);
  });
  child.stderr.on('data', (chunk: Buffer) => onOutput(decoder.write(chunk)));
  let kill: NodeJS.Timeout | undefined;
  const stop = (): void => {
    child.kill('SIGTERM');
    kill ??= setTimeout(() => {
      if (child.pid !== undefined) tryKill(-child.pid);
    }, killAfterMs);
  };
  signal.addEventListener('abort', stop, { once: true });
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
      child.once('exit', (exitCode) => {
        setTimeout(() => {
          child.stdout.destroy();
          child.stderr.destroy();
          resolve(exitCode);
        }, lastOutputMs);
      });
    });
    onOutput(decoder.end());
    return ended(code, said);
  } finally {
    clearTimeout(kill);
    signal.removeEventListener('abort', stop);
  }
};

const tryKill = (pid: number): void => {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
};

/**
 * Runs a command: `bash -c` in a process group of its own, in a folder of the work tree, bounded in time and output.
 * It does not know who asked. What a command leaves running in the background goes on, without its output being read.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';

import { AppError, type ExecuteRequest, type ExecuteResult } from '@remote-claude/contract';

import { openFolder, type WorkTree } from '../files/index.js';
import type { ActivitySource, Log } from '../parts.js';

export interface ExecuteOutput {
  channel: 'stdout' | 'stderr';
  /** Place in the channel's text, in UTF-16 units. */
  offset: number;
  data: string;
}

export interface ExecuteOptions {
  tree: WorkTree;
  /** The environment of a command; the request's comes on top. */
  env: Readonly<Record<string, string>>;
  log: Log;
  /** Between the request to end and the kill. */
  killAfterMs?: number;
}

export interface RunOptions {
  /** Ends the command; the run then rejects with `client_closed`. */
  signal?: AbortSignal;
  onOutput?: (output: ExecuteOutput) => void;
}

export interface Execute extends ActivitySource {
  run(request: ExecuteRequest, options?: RunOptions): Promise<ExecuteResult>;
  /** Output of every run, for those who watch. Returns the unsubscribe function. */
  subscribe(listener: (output: ExecuteOutput) => void): () => void;
  close(): Promise<void>;
}

const maxOutputBytes = 1024 * 1024;
const defaultTimeoutMs = 120_000;
const maxRunning = 16;
/** After the command's end its last output is awaited so long, where a background process keeps the pipe open. */
const lastOutputMs = 300;

const signalGroup = (child: ChildProcess, signal: NodeJS.Signals): void => {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // The group has ended.
  }
};

/** Collects one channel up to the cap; what comes later is read and dropped, so that the command does not stall. */
const createChannel = (channel: ExecuteOutput['channel'], emit: (output: ExecuteOutput) => void) => {
  const decoder = new StringDecoder('utf8');
  const parts: string[] = [];
  let bytes = 0;
  let offset = 0;
  let truncated = false;
  const add = (data: string): void => {
    if (data === '') return;
    parts.push(data);
    emit({ channel, offset, data });
    offset += data.length;
  };
  return {
    take(chunk: Buffer): void {
      const kept = chunk.subarray(0, maxOutputBytes - bytes);
      truncated ||= kept.length < chunk.length;
      bytes += kept.length;
      if (kept.length > 0) add(decoder.write(kept));
    },
    /** The text; a character that the cap cut in two is left out. */
    end(): { text: string; truncated: boolean } {
      const rest = decoder.end();
      if (!truncated) add(rest);
      return { text: parts.join(''), truncated };
    },
  };
};

/** Resolves with the exit code when the command and its output have ended. */
const ended = (child: ChildProcess): Promise<number | null> =>
  new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
    child.once('exit', (code) => {
      setTimeout(() => {
        child.stdout?.destroy();
        child.stderr?.destroy();
        resolve(code);
      }, lastOutputMs);
    });
  });

export const createExecute = ({ tree, env, log, killAfterMs = 2_000 }: ExecuteOptions): Execute => {
  const running = new Set<{ stop: () => void; done: Promise<unknown> }>();
  const listeners = new Set<(output: ExecuteOutput) => void>();
  let idleSince = performance.now();
  let closed = false;

  const start = async (request: ExecuteRequest): Promise<ChildProcess> => {
    const folder = await openFolder(tree, request.workingDirectory ?? '');
    try {
      // The child enters the folder that the walk has found, by its descriptor: a rename meanwhile changes nothing.
      return spawn('bash', ['-c', request.command], {
        cwd: `/proc/${process.pid}/fd/${folder}`,
        env: { ...env, ...request.env },
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe'],
      });
    } finally {
      closeSync(folder);
    }
  };

  const supervise = async (
    child: ChildProcess,
    request: ExecuteRequest,
    options: RunOptions,
  ): Promise<ExecuteResult> => {
    const emit = (output: ExecuteOutput): void => {
      options.onOutput?.(output);
      for (const listener of listeners) listener(output);
    };
    const [stdout, stderr] = [createChannel('stdout', emit), createChannel('stderr', emit)];
    child.stdout?.on('data', (chunk: Buffer) => stdout.take(chunk));
    child.stderr?.on('data', (chunk: Buffer) => stderr.take(chunk));
    let timedOut = false;
    let kill: NodeJS.Timeout | undefined;
    const stop = (): void => {
      signalGroup(child, 'SIGTERM');
      kill ??= setTimeout(() => signalGroup(child, 'SIGKILL'), killAfterMs);
    };
    const timeout = setTimeout(() => {
      timedOut = true;
      stop();
    }, request.timeoutMs ?? defaultTimeoutMs);
    const aborted = (): void => stop();
    options.signal?.addEventListener('abort', aborted, { once: true });
    const done = ended(child);
    const entry = { stop, done: done.catch(() => {}) };
    running.add(entry);
    if (options.signal?.aborted || closed) stop();
    try {
      const exitCode = await done;
      const [out, err] = [stdout.end(), stderr.end()];
      if (options.signal?.aborted || closed)
        throw new AppError('client_closed', { message: 'The command was ended because nobody waits for it.' });
      return { stdout: out.text, stderr: err.text, exitCode, timedOut, truncated: out.truncated || err.truncated };
    } finally {
      clearTimeout(timeout);
      // Where the command was stopped, what is left of its group goes as well.
      if (kill) {
        clearTimeout(kill);
        signalGroup(child, 'SIGKILL');
      }
      options.signal?.removeEventListener('abort', aborted);
      running.delete(entry);
      idleSince = performance.now();
    }
  };

  return {
    async run(request, options = {}) {
      if (closed) throw new AppError('unavailable');
      if (running.size >= maxRunning)
        throw new AppError('rate_limited', { message: `At most ${maxRunning} commands run at a time.` });
      try {
        return await supervise(await start(request), request, options);
      } catch (error) {
        if (error instanceof AppError) throw error;
        log('warn', 'a command could not be started', { error: String(error) });
        throw new AppError(
          'unavailable',
          { message: 'The command could not be started: bash is missing, or the process limit is reached.' },
          { cause: error },
        );
      }
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    idleMs: () => (running.size > 0 ? 0 : performance.now() - idleSince),
    async close() {
      closed = true;
      const all = [...running];
      for (const { stop } of all) stop();
      await Promise.all(all.map(({ done }) => done));
    },
  };
};

// The demo model: a child process that answers from a script. Started when first needed, again when it ends.

import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';

import type { Log } from '../../platform/log.js';

export interface DemoModel {
  /** Where it listens, on loopback. */
  url(): Promise<string>;
  close(): Promise<void>;
}

export interface DemoModelDeps {
  /** argv of the scripted model with the demo's script; it prints `{ "url": … }` when it listens, and ends with its stdin. */
  command: readonly string[];
  env: Record<string, string>;
  startTimeoutMs: number;
  log: Log;
}

export const createDemoModel = ({ command, env, startTimeoutMs, log }: DemoModelDeps): DemoModel => {
  let running: { child: ChildProcess; url: Promise<string> } | null = null;

  const start = (): Promise<string> => {
    const [program = '', ...args] = command;
    const child = spawn(program, args, { env, stdio: ['pipe', 'pipe', 'inherit'] });
    const url = new Promise<string>((resolve, reject) => {
      const timer = setTimeout(() => {
        child.kill();
        reject(new Error(`The demo model did not start within ${startTimeoutMs} ms.`));
      }, startTimeoutMs);
      createInterface({ input: child.stdout }).once('line', (line) => {
        clearTimeout(timer);
        resolve(String((JSON.parse(line) as { url: unknown }).url));
      });
      child.once('error', reject);
      child.once('exit', (code, signal) => {
        clearTimeout(timer);
        if (running?.child === child) running = null;
        log.info({ code, signal }, 'the demo model ended');
        reject(new Error('The demo model ended before it was ready.'));
      });
    });
    // Whoever asks gets the rejection; without this one that nobody awaits would end the server.
    url.catch(() => {
      if (running?.child === child) running = null;
    });
    running = { child, url };
    return url;
  };

  return {
    url: () => running?.url ?? start(),
    async close() {
      const child = running?.child;
      running = null;
      if (child === undefined || child.exitCode !== null) return;
      const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
      child.kill('SIGTERM');
      await ended;
    },
  };
};

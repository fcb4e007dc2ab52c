// A server's start, timed: from the moment its process is begun to its first answer. It does not know whose server it is.
import { spawn } from 'node:child_process';
import { request } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';

import { builtEnv } from '../../tests/support/config.js';

export interface StartOptions {
  command: readonly [program: string, ...args: string[]];
  /** The address whose first good answer ends the clock. */
  url: string;
  timeoutMs: number;
}

const askEveryMs = 5;

export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });

const answers = (url: string): Promise<boolean> =>
  new Promise((resolve) => {
    const asked = request(url, { agent: false, timeout: 30_000 }, (answer) => {
      answer.resume().once('end', () => resolve(answer.statusCode === 200));
    });
    asked.once('timeout', () => asked.destroy());
    asked.once('error', () => resolve(false));
    asked.end();
  });

/** Starts it, waits for its first answer, ends it by SIGTERM; milliseconds to the answer. */
export const timeStart = async ({ command: [program, ...args], url, timeoutMs }: StartOptions): Promise<number> => {
  const begun = performance.now();
  const child = spawn(program, args, { env: builtEnv(), stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (more: string) => (output += more));
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => resolve());
    child.once('error', (error) => (output += error.message));
  });
  try {
    while (!(await answers(url))) {
      if (child.exitCode !== null || child.pid === undefined)
        throw new Error(`${program} ended before it answered:\n${output}`);
      if (performance.now() - begun > timeoutMs)
        throw new Error(`${program} did not answer within ${timeoutMs} ms:\n${output}`);
      await new Promise((resolve) => setTimeout(resolve, askEveryMs));
    }
    return performance.now() - begun;
  } finally {
    child.kill('SIGTERM');
    if (child.pid !== undefined) await ended;
  }
};

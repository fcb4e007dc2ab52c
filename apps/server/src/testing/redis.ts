// A real Redis of a test's own, on a socket in a temporary folder. It can be killed and started again, empty.

import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { vi } from 'vitest';

export interface TestRedis {
  /** As a URL's stand-in: the path of its socket. */
  path: string;
  kill(): Promise<void>;
  /** Again on the same path, with nothing in it. */
  start(): Promise<void>;
  close(): Promise<void>;
}

export const startTestRedis = async (): Promise<TestRedis> => {
  const folder = await mkdtemp(join(tmpdir(), 'rc-redis-'));
  const path = join(folder, 'redis.sock');
  let child: ChildProcess | null = null;

  const answers = async (): Promise<void> => {
    const client = new Redis(path, { retryStrategy: () => null, lazyConnect: true });
    client.on('error', () => {});
    try {
      await client.connect();
      await client.ping();
    } finally {
      client.disconnect();
    }
  };
  const start = async (): Promise<void> => {
    const args = ['--port', '0', '--unixsocket', path, '--save', '', '--appendonly', 'no', '--dir', folder];
    child = spawn('redis-server', args, { stdio: 'ignore', env: { PATH: '/usr/local/bin:/usr/bin:/bin' } });
    child.on('error', () => {});
    await vi.waitFor(answers, { timeout: 20_000, interval: 50 });
  };
  const kill = async (): Promise<void> => {
    const running = child;
    child = null;
    if (running === null || running.exitCode !== null || running.signalCode !== null) return;
    const gone = new Promise((resolve) => running.once('exit', resolve));
    running.kill('SIGKILL');
    await gone;
  };
  await start();
  return {
    path,
    kill,
    start,
    async close() {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
};

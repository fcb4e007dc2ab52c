/** The program itself: its address line, scripts from files, sockets, signals, bad arguments. Runs the built file's source. */
import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { post, say } from './testing/client.js';
import { systemPath } from './testing/config.js';

const main = new URL('./main.ts', import.meta.url).pathname;
const children: ChildProcessWithoutNullStreams[] = [];
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'scripted-'));
});
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode === null && child.signalCode === null && child.kill('SIGKILL')) await once(child, 'exit');
  }
});
afterAll(() => rm(folder, { recursive: true }));

const run = (...args: string[]): ChildProcessWithoutNullStreams => {
  const child = spawn(process.execPath, ['--import', 'tsx', main, ...args], {
    env: { PATH: systemPath, HOME: folder },
  });
  children.push(child);
  return child;
};

const firstLine = async (child: ChildProcessWithoutNullStreams): Promise<{ url: string; port: number }> => {
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  return JSON.parse(line) as { url: string; port: number };
};

test('prints its address, answers with the demo, and ends on SIGTERM though a connection is open', async () => {
  const child = run('--script', 'demo');
  const { url } = await firstLine(child);
  const response = await post(url, say('hi', { stream: true }));
  expect(response.status).toBe(200);
  child.kill('SIGTERM');
  expect((await once(child, 'exit'))[0]).toBe(0);
  await response.text().catch(() => undefined);
});

test('takes a script from a file, and ends when its parent lets go of its stdin', async () => {
  const file = join(folder, 'own.mjs');
  await writeFile(
    file,
    `export default [{ name: 'own', when: (c) => c.userText === 'hi', answer: [{ kind: 'text', text: 'from a file' }] }];`,
  );
  const child = run('--script', file, '--until-stdin-ends');
  const { url } = await firstLine(child);
  expect(await (await post(url, say('hi'))).json()).toMatchObject({ content: [{ text: 'from a file' }] });
  child.stdin.end();
  expect((await once(child, 'exit'))[0]).toBe(0);
});

test('listens on a unix socket that only its user may open, over a dead one, never over a live one', async () => {
  const path = join(folder, 'm.sock');
  // A listener that is killed leaves its file behind, as a crash would.
  const dead = spawn(
    process.execPath,
    ['-e', `require('net').createServer().listen(${JSON.stringify(path)}, () => console.log('up'))`],
    { env: {} },
  );
  await once(dead.stdout, 'data');
  dead.kill('SIGKILL');
  await once(dead, 'exit');
  const child = run('--socket', path);
  expect((await firstLine(child)).url).toBe(`unix:${path}`);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  const status = await new Promise((resolve, reject) => {
    request({ socketPath: path, path: '/api/hello', method: 'HEAD' }, (response) => resolve(response.statusCode))
      .once('error', reject)
      .end();
  });
  expect(status).toBe(200);
  const second = run('--socket', path);
  const [code] = (await once(second, 'exit')) as [number];
  expect(code).toBe(1);
  expect((await stat(path)).isSocket()).toBe(true);
});

test.each([
  [['--port', 'x'], '--port x'],
  [['--bogus'], '--bogus'],
  [['--script', '/nowhere/at-all.mjs'], 'at-all.mjs'],
  [['--socket', `/tmp/${'x'.repeat(120)}`], 'longer than 107 bytes'],
])('bad arguments end it with a reason and the usage: %j', async (args, reason) => {
  const child = run(...args);
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number];
  expect(code).toBe(1);
  expect(errors).toContain(reason);
  expect(errors).toContain('Usage:');
});

test('a port in use is said', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const child = run('--port', String((server.address() as { port: number }).port));
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  await once(child, 'close');
  server.close();
  expect(errors).toContain('EADDRINUSE');
});

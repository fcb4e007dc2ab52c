// What strangers and crowds can make the server do: over real connections, since inject has none.

import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineRoute } from '@remote-claude/contract';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';

import { createSystemClock } from '../clock.js';
import { createTestApp, type TestApp } from '../../testing/http.js';
import { createTestDatabase, type TestDatabase } from '../../testing/postgres.js';
import { createCeilings } from './ceilings.js';
import { handle } from './index.js';

const patience = { timeout: 20_000, interval: 10 };
const upload = defineRoute({
  id: 'test.upload',
  method: 'PUT',
  path: '/test/upload',
  summary: 'Takes bytes as they come, and says how many.',
  permission: 'signed-in',
  kind: 'upload',
  responses: { 200: z.object({ bytes: z.int() }) },
});
const slow = defineRoute({
  id: 'test.slow',
  method: 'GET',
  path: '/test/slow',
  summary: 'Answers when the test says so.',
  permission: 'signed-in',
  responses: { 200: z.object({}) },
});
const bodyTiming = { headersMs: 600, idleMs: 400, smallMs: 1_200 };
const admin = { email: 'ada@example.org', name: 'Ada', password: 'a long enough one' };
let folder: string;
let testDatabase: TestDatabase;
let server: TestApp;
let port: number;
let cookie: string;
/** Ends the requests that wait. */
let entered = 0;
let letGo: () => void = () => {};
let held: Promise<void>;

const hold = (): void => {
  entered = 0;
  held = new Promise<void>((resolve) => (letGo = resolve));
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rc-overload-'));
  testDatabase = await createTestDatabase();
  hold();
  server = await createTestApp({
    testDatabase,
    clock: createSystemClock(),
    setupTokenPath: join(folder, 'setup-token'),
    http: { bodyTiming, ceilings: { maxOpen: 12, maxOpenEach: 8, each: { perSecond: 50, burst: 60 } } },
    routes: () => [
      // As an upload: it takes bytes as they come, and says how many.
      handle(upload, async ({ request }) => {
        let bytes = 0;
        for await (const chunk of request.raw) bytes += (chunk as Buffer).length;
        return { status: 200, body: { bytes } };
      }),
      handle(slow, async () => {
        entered += 1;
        await held;
        return { status: 200, body: {} };
      }),
    ],
  });
  await server.app.listen({ host: '127.0.0.1', port: 0 });
  ({ port } = server.app.server.address() as AddressInfo);
  const token = await server.setupToken.ensure();
  const made = await server.inject('POST', '/auth/setup', { body: { token, ...admin } });
  cookie = made.cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
});
afterAll(async () => {
  letGo();
  await server?.close();
  await testDatabase?.close();
  await rm(folder, { recursive: true, force: true });
});

const open = (): Promise<{ socket: Socket; answer: () => string; closed: () => boolean }> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let answer = '';
    let closed = false;
    socket.on('data', (data) => (answer += data.toString('latin1')));
    socket.once('close', () => (closed = true));
    socket.on('error', () => {});
    socket.once('error', reject);
    socket.once('connect', () => resolve({ socket, answer: () => answer, closed: () => closed }));
  });
const head = (method: string, path: string, headers: Record<string, string | number>): string =>
  `${method} /api${path} HTTP/1.1\r\n${Object.entries({
    host: 'localhost:3000',
    origin: 'http://localhost:3000',
    ...headers,
  })
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')}\r\n`;
const json = { 'content-type': 'application/json' };

describe('a body of who is not signed in', () => {
  it('is not waited for: the refusal comes before it', async () => {
    const { socket, answer } = await open();
    socket.write(head('POST', '/users', { ...json, 'content-length': 90_000 }));
    await vi.waitFor(() => expect(answer()).toContain('HTTP/1.1 401'), patience);
    socket.destroy();
  });

  it('is not waited for where there is nothing, nor read', async () => {
    for (const path of ['/nothing/here', '/users/nobody/at/all']) {
      const { socket, answer, closed } = await open();
      socket.write(head('POST', path, { ...json, 'content-length': 1e9 }));
      await vi.waitFor(() => expect(answer()).toContain('HTTP/1.1 404'), patience);
      const chunk = Buffer.alloc(64 * 1024);
      const push = (): void => {
        while (!socket.destroyed && socket.write(chunk));
      };
      socket.on('drain', push);
      push();
      await vi.waitFor(() => expect(closed()).toBe(true), patience);
      expect(socket.bytesWritten).toBeLessThan(32 * 1024 * 1024);
    }
  });

  it('is not read without an end', async () => {
    const { socket, answer, closed } = await open();
    socket.write(head('POST', '/users', { ...json, 'content-length': 1e9 }));
    await vi.waitFor(() => expect(answer()).toContain('HTTP/1.1 401'), patience);
    const chunk = Buffer.alloc(64 * 1024);
    const push = (): void => {
      while (!socket.destroyed && socket.write(chunk));
    };
    socket.on('drain', push);
    push();
    await vi.waitFor(() => expect(closed()).toBe(true), patience);
    expect(socket.bytesWritten).toBeLessThan(32 * 1024 * 1024);
  });

  it('is small where it is read', async () => {
    const email = `${'x'.repeat(20_000)}@example.org`;
    const answer = await server.inject('POST', '/auth/login', { body: { email, password: 'x' } });
    expect([answer.statusCode, answer.json().error.code]).toEqual([413, 'payload_too_large']);
  });
});

describe('headers that trickle', () => {
  it('end with their connection, and so does one that says nothing', async () => {
    const [dripping, silent] = [await open(), await open()];
    dripping.socket.write('GET /api/about HTTP/1.1\r\n');
    let n = 0;
    const drip = setInterval(() => dripping.socket.write(`x-${(n += 1)}: 1\r\n`), 50);
    await vi.waitFor(() => expect([dripping.closed(), silent.closed()]).toEqual([true, true]), patience);
    clearInterval(drip);
  });
});

describe('a body that trickles', () => {
  it('ends with its connection, however regular the drops', async () => {
    const { socket, closed } = await open();
    socket.write(head('POST', '/auth/login', { ...json, 'content-length': 10_000 }));
    const drip = setInterval(() => socket.write(' '), 50);
    await vi.waitFor(() => expect(closed()).toBe(true), patience);
    clearInterval(drip);
  });

  it('may take long where it is an upload that goes on, and not where nothing comes', async () => {
    const size = 60;
    const going = await open();
    going.socket.write(head('PUT', upload.path, { cookie, 'content-length': size }));
    const silent = await open();
    silent.socket.write(head('PUT', upload.path, { cookie, 'content-length': size }));
    const startedMs = performance.now();
    let sent = 0;
    const drip = setInterval(() => {
      sent += 1;
      if (sent <= size) going.socket.write('x');
    }, 40);
    await vi.waitFor(() => expect(going.answer()).toContain(`{"bytes":${size}}`), patience);
    clearInterval(drip);
    expect(performance.now() - startedMs).toBeGreaterThan(bodyTiming.smallMs);
    expect(silent.closed()).toBe(true);
    going.socket.destroy();
  });
});

describe('too much at a time', () => {
  it('is refused with the time after which to come back, to one person and to all', async () => {
    const ask = () => server.inject('GET', slow.path, { headers: { cookie } });
    const waiting = Array.from({ length: 8 }, ask);
    await vi.waitFor(() => expect(entered).toBe(8), patience);
    const refused = await server.inject('GET', '/auth/user', { headers: { cookie } });
    expect([refused.statusCode, refused.headers['retry-after'], refused.json().error.code]).toEqual([
      429,
      '1',
      'rate_limited',
    ]);
    letGo();
    expect((await Promise.all(waiting)).map(({ statusCode }) => statusCode)).toEqual(Array(8).fill(200));
    await vi.waitFor(
      async () => expect((await server.inject('GET', '/auth/user', { headers: { cookie } })).statusCode).toBe(200),
      patience,
    );
  });

  it('goes on to count what is still worked on when its caller hangs up', async () => {
    hold();
    const callers = await Promise.all(Array.from({ length: 8 }, open));
    for (const { socket } of callers) socket.write(head('GET', slow.path, { cookie }));
    await vi.waitFor(() => expect(entered).toBe(8), patience);
    for (const { socket } of callers) socket.destroy();
    const connections = () =>
      new Promise<number>((resolve) => server.app.server.getConnections((_error, count) => resolve(count)));
    await vi.waitFor(async () => expect(await connections()).toBe(0), patience);
    const look = async () => (await server.inject('GET', '/auth/user', { headers: { cookie } })).statusCode;
    expect(await look()).toBe(429);
    letGo();
    await vi.waitFor(async () => expect(await look()).toBe(200), patience);
  });

  it('counts everybody together, with another answer', () => {
    const clock = createSystemClock();
    const ceilings = createCeilings(clock, { maxOpen: 2, maxOpenEach: 9, each: { perSecond: 1, burst: 9 } });
    const [leave] = [ceilings.enter(), ceilings.enter()];
    expect(() => ceilings.enter()).toThrow(expect.objectContaining({ code: 'unavailable' }));
    leave();
    ceilings.enter();
  });
});

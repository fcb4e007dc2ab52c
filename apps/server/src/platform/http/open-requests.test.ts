// Requests that are under way when their person may no longer do what they ask: over real connections, since inject has none.

import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineRoute, type MemberRole } from '@remote-claude/contract';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';

import { createProjectsStore } from '../../features/projects/index.js';
import { createSessionsStore } from '../../features/sessions/index.js';
import { createTestApp, type TestApp } from '../../testing/http.js';
import { createTestDatabase, type TestDatabase } from '../../testing/postgres.js';
import { createSystemClock } from '../clock.js';
import { handle, type Actor } from './index.js';

const patience = { timeout: 20_000, interval: 10 };
const params = z.object({ id: z.uuid() });
const upload = defineRoute({
  id: 'test.upload',
  method: 'PUT',
  path: '/test/:id/upload',
  summary: 'Takes bytes as they come, and keeps them when all are here.',
  permission: 'session.files.write',
  kind: 'upload',
  params,
  responses: { 200: z.object({}) },
});
const act = defineRoute({
  id: 'test.act',
  method: 'GET',
  path: '/test/:id/act',
  summary: 'For those who may write: answers when the test says so.',
  permission: 'session.chat.write',
  params,
  responses: { 200: z.object({}) },
});
const look = defineRoute({ ...act, id: 'test.look', path: '/test/:id/look', permission: 'session.chat.read' });

let folder: string;
let testDatabase: TestDatabase;
let server: TestApp;
let port: number;
let id: string;
let ada: Guest;
let bob: Guest;
const sockets: Socket[] = [];
/** What the uploads came to. */
let bytes = 0;
let ends: string[] = [];
let entered = 0;
let letGo: () => void = () => {};
let held: Promise<void>;

interface Guest {
  actor: Actor;
  email: string;
  headers: Record<string, string>;
}

const guest = async (name: string): Promise<Guest> => {
  const email = `${name.toLowerCase()}@example.org`;
  const password = 'a long enough one';
  const maker = { userId: null } as unknown as Actor;
  const user = await server.users.create(maker, { id: randomUUID(), email, name, password, role: 'member' }, '::1');
  const signedIn = await server.inject('POST', '/auth/login', { body: { email, password, session: 'token' } });
  const { token } = signedIn.json() as { token: string };
  return {
    actor: { userId: user.id, email, name, role: 'member', loginId: '', kind: 'token' },
    email,
    headers: { authorization: `Bearer ${token}` },
  };
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rc-open-requests-'));
  testDatabase = await createTestDatabase();
  const wait = async (): Promise<{ status: 200; body: Record<string, never> }> => {
    entered += 1;
    await held;
    return { status: 200, body: {} };
  };
  server = await createTestApp({
    testDatabase,
    clock: createSystemClock(),
    setupTokenPath: join(folder, 'setup-token'),
    routes: () => [
      handle(upload, async ({ request }) => {
        try {
          for await (const chunk of request.raw) bytes += (chunk as Buffer).length;
          ends.push('kept');
        } catch (error) {
          ends.push('dropped');
          throw error;
        }
        return { status: 200, body: {} };
      }),
      handle(act, wait),
      handle(look, wait),
    ],
  });
  await server.app.listen({ host: '127.0.0.1', port: 0 });
  ({ port } = server.app.server.address() as AddressInfo);
  ada = await guest('Ada');
  bob = await guest('Bob');
  const { database } = testDatabase;
  id = randomUUID();
  const { userId } = ada.actor;
  const projectId = await createProjectsStore(database).personalOf(userId);
  await database.transaction((trx) =>
    createSessionsStore(database).insert(trx, {
      id,
      userId,
      projectId,
      name: 'Shared',
      config: {},
      at: new Date(),
    }),
  );
});
beforeEach(async () => {
  bytes = entered = 0;
  ends = [];
  held = new Promise<void>((resolve) => (letGo = resolve));
  await share('editor');
});
afterEach(() => {
  letGo();
  for (const socket of sockets.splice(0)) socket.destroy();
});
afterAll(async () => {
  await server?.close();
  await testDatabase?.close();
  await rm(folder, { recursive: true, force: true });
});

const by = () => ({ actor: ada.actor, ip: '::1' });
const share = (role: MemberRole) => server.members.add(by(), id, { email: bob.email, role });
const takeOut = () => server.members.remove(by(), { id, userId: bob.actor.userId });

const open = async (): Promise<{ socket: Socket; answer: () => string; closed: () => boolean }> => {
  const socket = connect(port, '127.0.0.1');
  sockets.push(socket);
  let answer = '';
  let closed = false;
  socket.on('data', (data) => (answer += data.toString('latin1')));
  socket.once('close', () => (closed = true));
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  socket.on('error', () => {});
  return { socket, answer: () => answer, closed: () => closed };
};
const ask = async (who: Guest, route: typeof look | typeof act | typeof upload, more: Record<string, string> = {}) => {
  const line = await open();
  line.socket.write(head(who, route, more));
  return line;
};
const head = (who: Guest, route: { method: string; path: string }, more: Record<string, string> = {}): string => {
  const headers = { host: 'localhost:3000', origin: 'http://localhost:3000', ...who.headers, ...more };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${route.method} /api${route.path.replace(':id', id)} HTTP/1.1\r\n${lines.join('')}\r\n`;
};

describe('what is under way', () => {
  it('of one who is taken out: an upload is dropped, and a wait is over, with the reason', async () => {
    const sending = await ask(bob, upload, { 'transfer-encoding': 'chunked' });
    sending.socket.write('3\r\nabc\r\n');
    const waiting = await ask(bob, look);
    const [owners, sent] = [await ask(ada, act), await ask(ada, upload, { 'transfer-encoding': 'chunked' })];
    await vi.waitFor(() => expect([bytes, entered]).toEqual([3, 2]), patience);
    await takeOut();
    await vi.waitFor(() => expect([sending.closed(), waiting.closed()]).toEqual([true, true]), patience);
    sending.socket.write('0\r\n\r\n');
    await vi.waitFor(() => expect(ends).toEqual(['dropped']), patience);
    expect(waiting.answer()).toMatch(/^HTTP\/1\.1 404 [^]*"code":"not_found"/);
    // The owner's own go on.
    sent.socket.write('0\r\n\r\n');
    letGo();
    await vi.waitFor(() => expect(owners.answer()).toContain('HTTP/1.1 200'), patience);
    await vi.waitFor(() => expect(sent.answer()).toContain('HTTP/1.1 200'), patience);
    expect(ends).toEqual(['dropped', 'kept']);
  });

  it('of one who only reads from now on: what writes ends, what reads goes on', async () => {
    const sending = await ask(bob, upload, { 'content-length': '10' });
    sending.socket.write('abc');
    const [acting, reading] = [await ask(bob, act), await ask(bob, look)];
    await vi.waitFor(() => expect([bytes, entered]).toEqual([3, 2]), patience);
    await server.members.put(by(), { id, userId: bob.actor.userId }, 'viewer');
    await vi.waitFor(() => expect([sending.closed(), acting.closed()]).toEqual([true, true]), patience);
    expect(acting.answer()).toMatch(/^HTTP\/1\.1 403 /);
    await vi.waitFor(() => expect(ends).toEqual(['dropped']), patience);
    letGo();
    await vi.waitFor(() => expect(reading.answer()).toContain('HTTP/1.1 200'), patience);
    expect(reading.closed()).toBe(false);
  });

  it('of nobody else: a connection whose request is over is used again', async () => {
    const line = await ask(bob, look);
    letGo();
    await vi.waitFor(() => expect(line.answer()).toContain('HTTP/1.1 200'), patience);
    held = new Promise<void>((resolve) => (letGo = resolve));
    const waiting = await ask(bob, look);
    await vi.waitFor(() => expect(entered).toBe(2), patience);
    await takeOut();
    // All have heard of it.
    await vi.waitFor(() => expect(waiting.closed()).toBe(true), patience);
    line.socket.write(head(bob, look));
    await vi.waitFor(() => expect(line.answer()).toContain('HTTP/1.1 404'), patience);
    expect(line.closed()).toBe(false);
  });

  it('of one whose sign-in ends, whatever they are in the session', async () => {
    const sending = await ask(ada, upload, { 'transfer-encoding': 'chunked' });
    sending.socket.write('3\r\nabc\r\n');
    const [waiting, others] = [await ask(ada, look), await ask(bob, look)];
    await vi.waitFor(() => expect([bytes, entered]).toEqual([3, 2]), patience);
    await server.users.patch(bob.actor, ada.actor.userId, { disabled: true }, '::1');
    await vi.waitFor(() => expect([sending.closed(), waiting.closed()]).toEqual([true, true]), patience);
    expect(waiting.answer()).toMatch(/^HTTP\/1\.1 401 /);
    await vi.waitFor(() => expect(ends).toEqual(['dropped']), patience);
    expect(others.closed()).toBe(false);
  });
});

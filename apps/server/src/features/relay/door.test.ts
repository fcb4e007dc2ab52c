import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { WebSocketServer, type WebSocket } from 'ws';

import { createSilentLog } from '../../testing/silent-log.js';
import { createPeer, openInternalPort } from '../../platform/internal/index.js';
import { issueCredentials } from '../../platform/internal/certificates.js';
import { createAgentDoor, createAgentGate, createRemoteDoor, type AgentDoor } from './index.js';

const placeId = randomUUID();
const ids = { here: randomUUID(), none: randomUUID(), stopped: randomUUID(), starting: randomUUID() };
const kinds = ['in the gateway’s process', 'through the gateway’s internal port'] as const;
let folder: string;
let path: string;
let server: Server;
let onRequest: (request: IncomingMessage, response: ServerResponse) => void;
let door: AgentDoor;
let silent: boolean;
let closing: (() => unknown)[];

const timeoutMs = 2_000;

beforeEach(async () => {
  silent = false;
  closing = [];
  folder = mkdtempSync(join(tmpdir(), 'rc-door-'));
  path = join(folder, 'agent.sock');
  server = createServer((request, response) => onRequest(request, response));
  await new Promise<void>((resolve) => server.listen(path, resolve));
});
afterEach(async () => {
  for (const close of closing.reverse()) await close();
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

const openDoor = async (kind: (typeof kinds)[number]): Promise<AgentDoor> => {
  const log = createSilentLog();
  const address = { kind: 'unix' as const, path, ownerUid: process.getuid?.() ?? 0 };
  const local = createAgentDoor({
    store: {
      find: async (sessionId) =>
        sessionId === ids.here
          ? { wanted: 'running', placeId, doors: { agent: address, gateway: address }, silent }
          : sessionId === ids.none
            ? null
            : {
                wanted: sessionId === ids.stopped ? 'stopped' : 'running',
                placeId: null,
                doors: null,
                silent: false,
              },
    },
    secretOf: (place) => `secret ${place}`,
    log,
    timeoutMs,
  });
  if (kind === kinds[0]) return local;
  const seed = randomBytes(32);
  const port = await openInternalPort({
    host: '127.0.0.1',
    port: 0,
    credentials: issueCredentials(seed, ['gateway']),
    services: { agents: createAgentGate(local) },
    log,
  });
  const gateway = createPeer({
    role: 'gateway',
    url: port.url,
    credentials: issueCredentials(seed, ['api']),
    named: true,
    timeoutMs,
  });
  closing.push(port.close, gateway.close);
  return createRemoteDoor({ gateway, timeoutMs });
};

describe.each(kinds)('the door to an agent %s', (kind) => {
  beforeEach(async () => {
    door = await openDoor(kind);
  });

  test('streams a body in and an answer out, with the secret and nothing of the caller’s own', async () => {
    onRequest = (request, response) => {
      response.writeHead(201, { etag: '"1"', 'x-authorization': request.headers.authorization ?? '' });
      request.pipe(response);
    };
    const body = Readable.from([Buffer.from('one '), Buffer.from('two')]);
    const answer = await door.request(ids.here, {
      method: 'PUT',
      path: '/fs/content?path=a',
      headers: { authorization: 'Bearer stolen' },
      body,
    });
    expect(answer).toMatchObject({
      status: 201,
      headers: { etag: '"1"', 'x-authorization': `Bearer secret ${placeId}` },
    });
    expect(await text(answer.body)).toBe('one two');
  });

  test('a caller that goes ends the request in the session', async () => {
    const gone = new Promise<void>((resolve) => {
      onRequest = (request) => void request.once('close', resolve);
    });
    const controller = new AbortController();
    const asked = door.request(ids.here, { method: 'GET', path: '/', signal: controller.signal });
    const refused = expect(asked).rejects.toMatchObject({ code: 'client_closed' });
    await new Promise<void>((resolve) => server.once('request', () => resolve()));
    controller.abort();
    await refused;
    await gone;
  });

  test('an upload that breaks off is broken off in the session too', async () => {
    const gone = new Promise<boolean>((resolve) => {
      onRequest = (request) => void request.resume().once('close', () => resolve(request.complete));
    });
    const body = new Readable({ read() {} });
    body.push('half');
    const asked = door.request(ids.here, { method: 'PUT', path: '/', body });
    const refused = expect(asked).rejects.toMatchObject({ code: 'place_unreachable' });
    await new Promise<void>((resolve) => server.once('request', () => resolve()));
    body.destroy();
    await refused;
    expect(await gone).toBe(false);
  });

  test.each([
    ['none', 'not_found'],
    ['stopped', 'session_not_running'],
    ['starting', 'place_unreachable'],
  ] as const)('a session that is %s answers %s', async (sessionId, code) => {
    await expect(door.request(ids[sessionId], { method: 'GET', path: '/' })).rejects.toMatchObject({ code });
    await expect(door.connect(ids[sessionId], '/live')).rejects.toMatchObject({ code });
  });

  test('a link in place of the socket, a refused upgrade and an agent that is gone are unreachable', async () => {
    onRequest = (_request, response) => void response.writeHead(401).end();
    await expect(door.connect(ids.here, '/live')).rejects.toMatchObject({ code: 'place_unreachable' });
    const other = join(folder, 'host.sock');
    const host = createServer(() => expect.unreachable('the link was followed'));
    await new Promise<void>((resolve) => host.listen(other, resolve));
    rmSync(path);
    symlinkSync(other, path);
    await expect(door.request(ids.here, { method: 'GET', path: '/' })).rejects.toMatchObject({
      code: 'place_unreachable',
    });
    host.close();
    rmSync(path);
    await expect(door.request(ids.here, { method: 'GET', path: '/' })).rejects.toMatchObject({
      code: 'place_unreachable',
    });
  });

  test('an agent that is known to be silent is not waited for as long as another', async () => {
    onRequest = (request) => void request.resume();
    silent = true;
    const asked = door.request(ids.here, { method: 'GET', path: '/', thinkMs: 600_000 });
    await expect(asked).rejects.toMatchObject({ code: 'place_unreachable' });
    onRequest = (_request, response) => void response.writeHead(200).end('there again');
    const answer = await door.request(ids.here, { method: 'GET', path: '/' });
    expect(await text(answer.body)).toBe('there again');
  });

  test('a socket carries what both ends say, and the end of either is that of the other', async () => {
    const agent = new WebSocketServer({ server });
    closing.push(() => agent.close());
    const taken = new Promise<WebSocket>((resolve) => agent.once('connection', resolve));
    const near = await door.connect(ids.here, '/live?x=1');
    const far = await taken;
    const next = (socket: WebSocket): Promise<string> =>
      new Promise((resolve) => socket.once('message', (data) => resolve((data as Buffer).toString())));
    const heard = next(far);
    near.send('from the server');
    expect(await heard).toBe('from the server');
    const large = 'x'.repeat(300_000);
    const answered = next(near);
    far.send(large);
    expect(await answered).toBe(large);
    const gone = new Promise<void>((resolve) => near.once('close', () => resolve()));
    far.terminate();
    await gone;
    const again = new Promise<WebSocket>((resolve) => agent.once('connection', resolve));
    const second = await door.connect(ids.here, '/live');
    const ended = again.then((socket) => new Promise<number>((resolve) => socket.once('close', resolve)));
    second.close(1000);
    expect(await ended).toBe(1000);
  });

  test('an answer that breaks off in its middle is broken here too', async () => {
    onRequest = (_request, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half', () => response.destroy());
    };
    const answer = await door.request(ids.here, { method: 'GET', path: '/' });
    await expect(text(answer.body)).rejects.toThrow();
  });

  test('a refusal of the agent before all of a body came is read, and the rest is not sent', async () => {
    onRequest = (_request, response) => void response.writeHead(413).end('too much');
    const body = new Readable({
      read() {
        this.push(Buffer.alloc(16_384));
      },
    });
    const answer = await door.request(ids.here, { method: 'PUT', path: '/', body });
    expect([answer.status, await text(answer.body)]).toEqual([413, 'too much']);
    body.destroy();
  });
});

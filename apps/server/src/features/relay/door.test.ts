import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { createSilentLog } from '../../testing/silent-log.js';
import { createAgentDoor, type AgentDoor } from './index.js';

const placeId = randomUUID();
let folder: string;
let path: string;
let server: Server;
let onRequest: (request: IncomingMessage, response: ServerResponse) => void;
let door: AgentDoor;
let silent: boolean;

beforeEach(async () => {
  silent = false;
  folder = mkdtempSync(join(tmpdir(), 'rc-door-'));
  path = join(folder, 'agent.sock');
  server = createServer((request, response) => onRequest(request, response));
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const address = { kind: 'unix' as const, path, ownerUid: process.getuid?.() ?? 0 };
  door = createAgentDoor({
    store: {
      find: async (sessionId) =>
        sessionId === 'here'
          ? { wanted: 'running', placeId, doors: { agent: address, gateway: address }, silent }
          : sessionId === 'none'
            ? null
            : { wanted: sessionId === 'stopped' ? 'stopped' : 'running', placeId: null, doors: null, silent: false },
    },
    secretOf: (place) => `secret ${place}`,
    log: createSilentLog(),
    timeoutMs: 2_000,
  });
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('the door to an agent', () => {
  test('streams a body in and an answer out, with the secret and nothing of the caller’s own', async () => {
    onRequest = (request, response) => {
      response.writeHead(201, { etag: '"1"', 'x-authorization': request.headers.authorization ?? '' });
      request.pipe(response);
    };
    const body = Readable.from([Buffer.from('one '), Buffer.from('two')]);
    const answer = await door.request('here', {
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
    const asked = door.request('here', { method: 'GET', path: '/', signal: controller.signal });
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
    const asked = door.request('here', { method: 'PUT', path: '/', body });
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
  ])('a session that is %s answers %s', async (sessionId, code) => {
    await expect(door.request(sessionId, { method: 'GET', path: '/' })).rejects.toMatchObject({ code });
    await expect(door.connect(sessionId, '/live')).rejects.toMatchObject({ code });
  });

  test('a link in place of the socket, a refused upgrade and an agent that is gone are unreachable', async () => {
    onRequest = (_request, response) => void response.writeHead(401).end();
    await expect(door.connect('here', '/live')).rejects.toMatchObject({ code: 'place_unreachable' });
    const other = join(folder, 'host.sock');
    const host = createServer(() => expect.unreachable('the link was followed'));
    await new Promise<void>((resolve) => host.listen(other, resolve));
    rmSync(path);
    symlinkSync(other, path);
    await expect(door.request('here', { method: 'GET', path: '/' })).rejects.toMatchObject({
      code: 'place_unreachable',
    });
    host.close();
    rmSync(path);
    await expect(door.request('here', { method: 'GET', path: '/' })).rejects.toMatchObject({
      code: 'place_unreachable',
    });
  });

  test('an agent that is known to be silent is not waited for as long as another', async () => {
    onRequest = (request) => void request.resume();
    silent = true;
    const asked = door.request('here', { method: 'GET', path: '/', thinkMs: 600_000 });
    await expect(asked).rejects.toMatchObject({ code: 'place_unreachable' });
    onRequest = (_request, response) => void response.writeHead(200).end('there again');
    const answer = await door.request('here', { method: 'GET', path: '/' });
    expect(await text(answer.body)).toBe('there again');
  });
});

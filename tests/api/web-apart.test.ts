// The web in a process of its own, with the api behind it: page, API, sockets and notices are one origin, and what passes is
// neither changed nor kept.

import { createHash, randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { routes } from '@remote-claude/contract';
import { always, text, type ScriptedModel } from '@remote-claude/scripted-model';
import { io } from 'socket.io-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';

import { openDatabase } from '../support/database.js';
import { freePort } from '../support/free-port.js';
import { startSession } from '../support/inside.js';
import { configFor, startModel } from '../support/model.js';
import { setUpAdmin, signIn, type Person } from '../support/people.js';
import { startProduct, type Product } from '../support/product.js';
import { rawRequest } from '../support/raw-request.js';
import { openTerminal } from '../support/terminal.js';
import { enterAsViewer } from '../support/viewer.js';
import { until } from '../support/wait.js';

const mebibyte = 1024 * 1024;

let model: ScriptedModel;
let web: Product;
let api: Product;
/** Page and API as people see them: the web's address. */
let site: Product;
let ada: Person;
let sessionId: string;
let cookie: string;

beforeAll(async () => {
  model = await startModel([{ name: 'greet', when: always, answer: [text('Hello.')] }]);
  const port = await freePort();
  web = await startProduct({
    config: configFor(model, `server: { roles: [web], apiUrl: "http://127.0.0.1:${port}" }\n`),
  });
  const own = `publicUrl: "${web.url}", trustedProxies: [127.0.0.1]`;
  api = await startProduct({ config: configFor(model, `server: { ${own} }\n`), port });
  site = { ...web, setupUrl: api.setupUrl };
  ada = await setUpAdmin(site);
  ({ id: sessionId } = await startSession(ada, { name: 'Apart' }));
  const login = await fetch(`${web.url}/api/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: web.url },
    body: JSON.stringify({ email: ada.email, password: ada.password }),
  });
  cookie = login.headers.getSetCookie().map((set) => set.split(';')[0])[0] ?? '';
});
afterAll(async () => {
  await web?.close();
  await api?.close();
  await model?.close();
});

const file = (name: string): string => `/sessions/${sessionId}/files/${name}`;

describe('what passes through', () => {
  it('the page, and an API whose origin and cookies are its own', async () => {
    const page = await fetch(`${web.url}/`);
    expect(page.headers.get('content-type')).toContain('text/html');
    const user = await fetch(`${web.url}/api/auth/user`, { headers: { cookie, origin: web.url } });
    expect(await user.json()).toMatchObject({ user: { email: ada.email } });
    const about = await fetch(`${web.url}/api/about`);
    expect(about.headers.get('x-request-id')).toMatch(/^[\w-]{36}$/);
    expect(about.headers.get('content-security-policy')).toBe("default-src 'none'; frame-ancestors 'none'");
  });

  it('64 MiB up and down with the same checksum, and a part of them', async () => {
    const content = Buffer.from(randomBytes(64 * mebibyte));
    const sum = createHash('sha256').update(content).digest('hex');
    const put = await ada.fetch(file('big.bin'), { method: 'PUT', headers: { 'if-none-match': '*' }, body: content });
    expect(put.status).toBe(201);
    const hash = createHash('sha256');
    const whole = await ada.fetch(file('big.bin'));
    expect(whole.headers.get('content-length')).toBe(String(content.length));
    for await (const part of whole.body ?? []) hash.update(part);
    expect(hash.digest('hex')).toBe(sum);
    const part = await ada.fetch(file('big.bin'), { headers: { range: 'bytes=1000-1999' } });
    expect([part.status, part.headers.get('content-range')]).toEqual([206, `bytes 1000-1999/${content.length}`]);
    expect(Buffer.from(await part.arrayBuffer()).equals(content.subarray(1_000, 2_000))).toBe(true);
    const known = await ada.fetch(file('big.bin'), { headers: { 'if-none-match': whole.headers.get('etag') ?? '' } });
    expect(known.status).toBe(304);
  });

  it('a turn and the echo of a terminal over a WebSocket, and the session list over Socket.IO', async () => {
    const viewer = await enterAsViewer(web.url, ada, sessionId);
    const notices = io(web.url, {
      path: '/socket.io',
      transports: ['polling', 'websocket'],
      extraHeaders: { cookie, origin: web.url },
      reconnection: false,
    });
    try {
      const heard: { name: string }[] = [];
      notices.on('session', (session: { name: string }) => void heard.push(session));
      await until(() => notices.connected && notices.io.engine.transport.name === 'websocket', {
        what: 'Socket.IO to be upgraded',
      });
      const answer = await ada.client.call(routes.claude.chat, {
        params: { id: sessionId },
        body: { message: 'Hi' },
      });
      expect(answer).toMatchObject({ outcome: 'completed', message: 'Hello.' });
      await ada.client.call(routes.sessions.patch, { params: { id: sessionId }, body: { name: 'Renamed' } });
      await until(() => heard.some(({ name }) => name === 'Renamed'), { what: 'the new name' });
      const terminal = await openTerminal(viewer);
      terminal.type(`echo so''-far\r`);
      await terminal.until(/so-far/);
    } finally {
      notices.close();
      viewer.close();
    }
  });

  it('the address that a person came from, as far as proxies are trusted', async () => {
    // The web adds whom it hears; here that is a proxy that the api trusts, too.
    const answer = await rawRequest(web, null, {
      method: 'POST',
      path: '/api/auth/login',
      headers: { origin: web.url, 'content-type': 'application/json', 'x-forwarded-for': '203.0.113.7' },
      body: JSON.stringify({ email: ada.email, password: 'not the word' }),
    });
    expect(answer.status).toBe(401);
    const database = await openDatabase(api);
    try {
      expect(await database.dump()).toContain('203.0.113.7');
    } finally {
      await database.close();
    }
  });
});

describe('what does not', () => {
  it('pages of another origin, other hosts, and other addresses of the api', async () => {
    const evil = 'https://evil.example';
    const statusOf = async (path: string, headers: Record<string, string>, method = 'GET'): Promise<number> =>
      (await rawRequest(web, null, { method, path, headers })).status;
    const post = '/api/auth/logout';
    expect(await statusOf(post, { cookie, origin: evil }, 'POST')).toBe(403);
    expect(await statusOf(post, { cookie }, 'POST')).toBe(403);
    expect(await statusOf('/api/about', { host: 'rebound.example' })).toBe(403);
    expect(await statusOf('/socket.io/?EIO=4&transport=polling', { cookie, origin: evil })).toBe(403);
    expect(await statusOf('/api/../healthz', {})).toBe(404);
    const knock = (headers: Record<string, string>): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        const socket = new WebSocket(`${web.url.replace('http', 'ws')}/api/sessions/${sessionId}/ws`, { headers });
        socket.on('error', () => {});
        socket.once('open', () => reject(new Error('it was let in')));
        socket.once('unexpected-response', (_request, answer) => resolve(answer.statusCode));
      });
    expect(await knock({ cookie, origin: evil })).toBe(403);
    expect(await knock({ cookie, origin: web.url, host: 'rebound.example' })).toBe(403);
    expect(await knock({ origin: web.url })).toBe(401);
    // Still signed in.
    expect(await statusOf('/api/auth/user', { cookie, origin: web.url })).toBe(200);
  });
});

describe('an api that dies', () => {
  it('in the middle of a download: what came looks cut, and after its start all is there again', async () => {
    const { pathname, hostname, port } = new URL(`${web.url}/api${file('big.bin')}`);
    const cut = new Promise<number>((resolve, reject) => {
      const outgoing = request(
        { hostname, port, path: pathname, headers: { authorization: `Bearer ${ada.token}` } },
        (answer) => {
          let bytes = 0;
          answer.once('data', () => {
            // Nothing is read while the api dies, so that it is in the middle.
            answer.pause();
            api.kill().then(() => answer.resume(), reject);
          });
          answer.on('data', (data: Buffer) => (bytes += data.length));
          answer.on('end', () => reject(new Error('half of it looks whole')));
          answer.on('error', () => resolve(bytes));
        },
      );
      outgoing.on('error', reject);
      outgoing.end();
    });
    expect(await cut).toBeLessThan(64 * mebibyte);
    const away = await ada.fetch('/auth/user');
    expect([away.status, away.headers.get('retry-after')]).toEqual([503, '1']);
    expect(await away.json()).toMatchObject({ error: { code: 'unavailable' } });
    const ready = await fetch(`${web.url}/readyz`);
    expect([ready.status, await ready.json()]).toEqual([
      200,
      {
        ready: true,
        degraded: true,
        roles: { web: true },
        reaches: { api: false },
        reasons: ['The api does not answer.'],
      },
    ]);
    await api.restart();
    await until(async () => (await ada.fetch(file('big.bin'), { headers: { range: 'bytes=0-9' } })).status === 206, {
      what: 'the file again',
    });
    await signIn(site, ada.email, ada.password);
  });
});

// The shipped nginx before the product's processes, over TLS: what people do passes through it, and what it must not let through
// does not.

import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { createHash, randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { routes } from '@remote-claude/contract';
import { always, text, type ScriptedModel } from '@remote-claude/scripted-model';
import { io } from 'socket.io-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { builtEnv } from '../support/config.js';
import { openDatabase } from '../support/database.js';
import { freePort } from '../support/free-port.js';
import { startSession } from '../support/inside.js';
import { configFor, startModel } from '../support/model.js';
import type { Person } from '../support/people.js';
import { startProduct, type Product } from '../support/product.js';
import { openTerminal } from '../support/terminal.js';
import { makeCertificate, openTlsSite, setUpOverTls, type TlsSite } from '../support/tls-site.js';
import { openViewer } from '../support/viewer.js';
import { until } from '../support/wait.js';

const startScript = fileURLToPath(new URL('../../deploy/nginx/start.sh', import.meta.url));
const name = 'claude.test';
const mebibyte = 1024 * 1024;

let folder: string;
let ports: { http: number; https: number };
let model: ScriptedModel;
let web: Product;
let rest: Product;
let nginx: ChildProcess;
let site: TlsSite;
let ada: Person & { cookie: string };
let sessionId: string;
/** A file: nginx opens its output by name, which a socket has not. */
let logFile: string;

const certificateIn = async (at: string): Promise<void> => {
  await makeCertificate(name, { certificate: join(at, 'new.pem'), key: join(at, 'new.key') });
  await rename(join(at, 'new.key'), join(at, 'privkey.pem'));
  await rename(join(at, 'new.pem'), join(at, 'fullchain.pem'));
};
const startNginx = (more: Record<string, string>): ChildProcess => {
  const log = openSync(logFile, 'a');
  const child = spawn('sh', [startScript], {
    env: {
      ...builtEnv(),
      PUBLIC_HOST: name,
      TLS_DIR: join(folder, 'tls'),
      ACME_DIR: join(folder, 'acme'),
      RUN_DIR: join(folder, 'run'),
      WATCH_SECONDS: '1',
      ...more,
    },
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  return child;
};
const endNginx = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await ended;
};
const overHttp = (path: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`http://127.0.0.1:${ports.http}${path}`, { headers, redirect: 'manual' });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rc-nginx-'));
  await chmod(folder, 0o711);
  logFile = join(folder, 'nginx.log');
  for (const part of ['tls', 'acme/.well-known/acme-challenge']) await mkdir(join(folder, part), { recursive: true });
  ports = { http: await freePort(), https: await freePort() };
  const url = `https://${name}:${ports.https}`;
  model = await startModel([{ name: 'greet', when: always, answer: [text('Hello.')] }]);
  const port = await freePort();
  const webPort = await freePort();
  const both = `publicUrl: "${url}", trustedProxies: [127.0.0.1]`;
  web = await startProduct({
    config: configFor(model, `server: { roles: [web], apiUrl: "http://127.0.0.1:${port}", ${both} }\n`),
    port: webPort,
  });
  rest = await startProduct({ config: configFor(model, `server: { ${both} }\n`), port });
});
afterAll(async () => {
  if (nginx !== undefined) await endNginx(nginx);
  site?.close();
  await web?.close();
  await rest?.close();
  await model?.close();
  await rm(folder, { recursive: true, force: true });
});

describe('nginx before it has a certificate', () => {
  it('answers the challenge, sends on to HTTPS, and says how it is to this machine', async () => {
    await writeFile(join(folder, 'acme/.well-known/acme-challenge/word'), 'the answer');
    nginx = startNginx({
      WEB: `127.0.0.1:${new URL(web.url).port}`,
      HTTP_LISTEN: `127.0.0.1:${ports.http}`,
      HTTPS_LISTEN: `127.0.0.1:${ports.https}`,
      HTTPS_SHOWN_PORT: String(ports.https),
      HSTS_SECONDS: '600',
    });
    await until(async () => (await overHttp('/.well-known/proxy-health')).status === 200, {
      what: () => `nginx, which said ${readFileSync(logFile, 'utf8')}`,
      timeoutMs: 20_000,
    });
    expect(await (await overHttp('/.well-known/acme-challenge/word')).text()).toBe('the answer');
    expect((await overHttp('/.well-known/acme-challenge/none')).status).toBe(404);
    const sent = await overHttp('/sessions/?a=%C3%A4', { host: 'evil.example' });
    expect([sent.status, sent.headers.get('location')]).toEqual([
      308,
      `https://${name}:${ports.https}/sessions/?a=%C3%A4`,
    ]);
    expect(sent.headers.get('server')).toBe('nginx');
  });

  it('begins with HTTPS when there is one', async () => {
    await certificateIn(join(folder, 'tls'));
    const ca = await readFile(join(folder, 'tls/fullchain.pem'), 'utf8');
    site = openTlsSite({ url: `https://${name}:${ports.https}`, address: '127.0.0.1', ca });
    await until(async () => (await site.ask({ path: '/' })).status === 200, { what: 'the page over TLS' });
    ada = await setUpOverTls(site, rest.setupUrl);
    ({ id: sessionId } = await startSession(ada, { name: 'Behind nginx' }));
    expect(nginx.exitCode).toBeNull();
  });
});

describe('over TLS', () => {
  it('the page has its policy and the word to come by HTTPS only; a cookie is for HTTPS only', async () => {
    const { headers } = await site.ask({ path: '/' });
    expect(headers).toMatchObject({
      'strict-transport-security': 'max-age=600',
      'x-content-type-options': 'nosniff',
      server: 'nginx',
    });
    expect(headers['content-security-policy']).toContain("frame-ancestors 'none'");
    expect(ada.cookie).toMatch(/; Secure/i);
    expect(ada.cookie).toMatch(/; HttpOnly/i);
    const cookie = ada.cookie.split(';')[0] ?? '';
    const user = await site.ask({ path: '/api/auth/user', headers: { cookie, origin: site.url } });
    expect(JSON.parse(user.body.toString())).toMatchObject({ user: { email: ada.email } });
  });

  it('a turn, a terminal through wss, and the session list through Socket.IO', async () => {
    const viewer = openViewer(site.url, ada, sessionId, site.agent);
    const notices = io(site.url, {
      // Both are this package's: its types know an agent by name only.
      agent: site.agent as unknown as string,
      transports: ['polling', 'websocket'],
      extraHeaders: { cookie: ada.cookie.split(';')[0] ?? '', origin: site.url },
      reconnection: false,
    });
    try {
      const names: string[] = [];
      notices.on('session', (session: { name: string }) => void names.push(session.name));
      await until(() => notices.connected && notices.io.engine.transport.name === 'websocket', {
        what: 'Socket.IO to be upgraded',
      });
      const answer = await ada.client.call(routes.claude.chat, { params: { id: sessionId }, body: { message: 'Hi' } });
      expect(answer).toMatchObject({ outcome: 'completed', message: 'Hello.' });
      const terminal = await openTerminal(viewer);
      terminal.type(`echo so''-far\r`);
      await terminal.until(/so-far/);
      await ada.client.call(routes.sessions.patch, { params: { id: sessionId }, body: { name: 'Renamed' } });
      await until(() => names.includes('Renamed'), { what: 'the new name' });
    } finally {
      notices.close();
      viewer.close();
    }
  });

  it('64 MiB up and down, whole', async () => {
    const content = randomBytes(64 * mebibyte);
    const path = `/api/sessions/${sessionId}/files/big.bin`;
    const headers = { authorization: `Bearer ${ada.token}` };
    const put = await site.ask({ method: 'PUT', path, headers: { ...headers, 'if-none-match': '*' }, body: content });
    expect(put.status).toBe(201);
    const { body } = await site.ask({ path, headers });
    const sum = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
    expect(sum(body)).toBe(sum(content));
  });

  it('a visitor’s own word about where they come from is dropped, and a request has one id', async () => {
    const headers = { origin: site.url, 'content-type': 'application/json', 'x-request-id': 'chosen-by-a-stranger' };
    const answer = await site.ask({
      method: 'POST',
      path: '/api/auth/login',
      headers: { ...headers, 'x-forwarded-for': '203.0.113.7' },
      body: JSON.stringify({ email: ada.email, password: 'not the word' }),
    });
    expect(answer.status).toBe(401);
    // nginx made it, and web and api took it.
    const id = String(answer.headers['x-request-id']);
    expect(id).toMatch(/^[0-9a-f]{32}$/);
    await until(() => readFileSync(logFile, 'utf8').includes(id), { what: 'the id in the log of nginx' });
    expect(JSON.parse(answer.body.toString())).toMatchObject({ error: { requestId: id } });
    const database = await openDatabase(rest);
    try {
      const dump = await database.dump();
      expect(dump).toContain('127.0.0.1');
      expect(dump).not.toContain('203.0.113.7');
    } finally {
      await database.close();
    }
  });

  it('nobody by another name, from another page, or to what is the operator’s', async () => {
    const statusOf = async (path: string, headers: Record<string, string> = {}): Promise<number> =>
      (await site.ask({ path, headers })).status;
    expect(await statusOf('/', { host: 'other.example' })).toBe(421);
    expect(await statusOf('/metrics')).toBe(404);
    expect(await statusOf('/readyz')).toBe(404);
    expect(await statusOf('/healthz')).toBe(200);
    const foreign = await site.ask({
      method: 'POST',
      path: '/api/auth/logout',
      headers: { cookie: ada.cookie.split(';')[0] ?? '', origin: 'https://evil.example' },
    });
    expect(foreign.status).toBe(403);
  });

  it('a web that is away: nothing was done, in the form of errors, and as a page to a person', async () => {
    await web.kill();
    const away = await site.ask({ path: '/api/about' });
    expect([away.status, away.headers['retry-after'], away.headers['strict-transport-security']]).toEqual([
      503,
      '2',
      'max-age=600',
    ]);
    expect(JSON.parse(away.body.toString())).toMatchObject({
      error: { code: 'unavailable', message: expect.stringContaining('Nothing was done') },
    });
    const page = await site.ask({ path: '/sessions/' });
    expect([page.status, page.headers['content-type'], page.headers['strict-transport-security']]).toEqual([
      503,
      'text/html; charset=utf-8',
      'max-age=600',
    ]);
    expect(page.body.toString()).toMatch(/^<!doctype html>.*http-equiv="refresh"/);
    await web.restart();
    await until(async () => (await site.ask({ path: '/api/about' })).status === 200, { what: 'the web again' });
  });

  it('a web that dies before it answers: nobody says that nothing was done', async () => {
    // What has heard a request and is gone, in place of the web.
    await web.kill();
    const heard: string[] = [];
    const dying = createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', (data) => {
        heard.push(data.toString('latin1').split('\r\n')[0] ?? '');
        socket.resetAndDestroy();
      });
    });
    await new Promise<void>((resolve) => dying.listen(Number(new URL(web.url).port), '127.0.0.1', resolve));
    try {
      const body = JSON.stringify({ name: 'perhaps' });
      for (const method of ['POST', 'GET']) {
        const given = method === 'POST' ? { body, headers: { 'content-type': 'application/json' } } : {};
        const answer = await site.ask({ method, path: '/api/sessions', ...given });
        expect([answer.status, answer.headers['content-type']]).toEqual([502, 'application/json']);
        expect(JSON.parse(answer.body.toString())).toMatchObject({
          error: {
            code: 'upstream_failed',
            message: expect.stringContaining('It may have been done'),
            requestId: answer.headers['x-request-id'],
          },
        });
      }
      // Once each: what was sent is not sent again.
      expect(heard.map((line) => line.split(' ')[0])).toEqual(['POST', 'GET']);
    } finally {
      await new Promise((resolve) => dying.close(resolve));
    }
    await web.restart();
    await until(async () => (await site.ask({ path: '/api/about' })).status === 200, { what: 'the web again' });
  });

  it('an upload that is refused: its sender reads why, and the connection before it is read no further', async () => {
    const answer = await site.ask({
      method: 'PUT',
      path: `/api/sessions/${sessionId}/files/refused.bin`,
      headers: { origin: site.url },
      body: randomBytes(48 * mebibyte),
    });
    expect([answer.status, JSON.parse(answer.body.toString())]).toMatchObject([
      401,
      { error: { code: 'unauthenticated' } },
    ]);
  });

  it('a certificate that was renewed is shown without a restart', async () => {
    const shown = (): Promise<string> =>
      new Promise((resolve, reject) => {
        const socket = connectTls({
          host: '127.0.0.1',
          port: ports.https,
          servername: name,
          rejectUnauthorized: false,
        });
        socket.once('secureConnect', () => {
          resolve(socket.getPeerCertificate().fingerprint256);
          socket.destroy();
        });
        socket.once('error', reject);
      });
    const before = await shown();
    await certificateIn(join(folder, 'tls'));
    await until(async () => (await shown()) !== before, { what: 'the new certificate' });
    expect(nginx.exitCode).toBeNull();
  });
});

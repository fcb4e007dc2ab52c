// The web's way to an api in another process, over real connections; what stands for the api says what it was asked.

import { createHash, randomBytes } from 'node:crypto';
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';

import { createClosers } from '../platform/closers.js';
import { closeInTime, createHttpApp, createOrigins } from '../platform/http/index.js';
import { createTestConfig } from '../testing/config.js';
import { createSilentLog } from '../testing/silent-log.js';
import { openApiWay, type ApiWay } from './api-way.js';
import type { Base } from './base.js';

const patience = { timeout: 20_000, interval: 10 };
const closing: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

type Serve = (request: IncomingMessage, response: ServerResponse) => void;
const echo: Serve = (request, response) => {
  const { method, url, rawHeaders } = request;
  text(request).then(
    (body) => response.end(JSON.stringify({ method, url, rawHeaders, body })),
    () => {},
  );
};

/** What stands for the api; it can be killed, and comes back on its port. */
const startFar = async () => {
  const state = { serve: echo, asked: [] as string[], sockets: [] as WebSocket[], refused: false };
  const connections = new Set<Socket>();
  const wss = new WebSocketServer({ noServer: true, perMessageDeflate: false, handleProtocols: () => 'b' });
  const open = async (port: number) => {
    const server = createServer((request, response) => {
      state.asked.push(request.url ?? '');
      state.serve(request, response);
    });
    server.keepAliveTimeout = 72_000;
    server.on('connection', (socket: Socket) => {
      connections.add(socket);
      socket.on('error', () => {});
      socket.once('close', () => connections.delete(socket));
    });
    server.on('upgrade', (request, socket: Socket, head) => {
      state.asked.push(request.url ?? '');
      far.onUpgrade(request);
      if (state.refused) {
        socket.end('HTTP/1.1 403 Refused\r\ncontent-length: 4\r\nconnection: close\r\n\r\nno!\n');
        return;
      }
      wss.handleUpgrade(request, socket, head, (ws) => {
        ws.on('error', () => {});
        state.sockets.push(ws);
      });
    });
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    return server;
  };
  let server = await open(0);
  const { port } = server.address() as AddressInfo;
  const kill = async (): Promise<void> => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of connections) socket.resetAndDestroy();
    await closed;
  };
  return {
    state,
    port,
    kill,
    connections,
    onUpgrade: (_request: IncomingMessage): void => {},
    comeBack: async () => void (server = await open(port)),
  };
};

const startWeb = async (
  apiUrl: string,
  more: { trusted?: boolean; basePath?: string; timing?: Record<string, string> } = {},
) => {
  const log = createSilentLog();
  const closers = createClosers();
  const basePath = more.basePath ?? '/';
  const isTrusted = (): boolean => more.trusted === true;
  let port = 0;
  const app = await createHttpApp({
    access: { authenticate: async () => null, authorize: async () => {}, sessionPermissions: async () => new Set() },
    standing: { isOver: () => true, add: () => () => {} },
    idempotency: { once: async () => Promise.reject(new Error('nothing is done here')) },
    routes: [],
    clock: { nowMs: () => 0, monotonicMs: () => performance.now(), after: () => () => {} } as never,
    origins: createOrigins({ publicUrl: null, trustedOrigins: [], port: () => port }),
    log,
    basePath,
    maxBodyBytes: 1_000,
    addressOf: () => '',
    isTrusted,
  });
  closers.add('HTTP server', closeInTime(app), (close) => close(1_000));
  const config = createTestConfig({ server: { basePath }, ...(more.timing && { timing: more.timing }) });
  const way: ApiWay = await openApiWay({ base: { closers, config, log } as unknown as Base, app, apiUrl, isTrusted });
  await app.listen({ host: '127.0.0.1', port: 0 });
  ({ port } = app.server.address() as AddressInfo);
  const close = (): Promise<void> => closers.closeAll({ withinMs: 10_000, log: null });
  closing.push(close);
  return { url: `http://127.0.0.1:${port}`, port, way, close };
};

let far: Awaited<ReturnType<typeof startFar>>;
let web: Awaited<ReturnType<typeof startWeb>>;
beforeEach(async () => {
  far = await startFar();
  closing.push(far.kill);
  web = await startWeb(`http://127.0.0.1:${far.port}`);
});

interface Echoed {
  method: string;
  url: string;
  rawHeaders: string[];
  body: string;
}
const pairsOf = ({ rawHeaders }: Echoed): [string, string][] =>
  rawHeaders.flatMap((name, at): [string, string][] =>
    at % 2 === 0 ? [[name.toLowerCase(), rawHeaders[at + 1] ?? '']] : [],
  );

/** Exactly these bytes, and all that is answered until the connection ends. */
const sayRaw = (bytes: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect(web.port, '127.0.0.1');
    let heard = '';
    socket.on('data', (data) => (heard += data.toString('latin1')));
    socket.on('error', reject);
    socket.on('close', () => resolve(heard));
    socket.write(bytes);
  });
const bodyOf = (heard: string): Echoed => JSON.parse(/\{.*\}/.exec(heard)?.[0] ?? '') as Echoed;

describe('a request', () => {
  test('goes on as it is: address, Host, Origin and headers in their number; what is of one hop ends', async () => {
    const heard = bodyOf(
      await sayRaw(
        [
          'PUT /api/files/a%20b%2Fc?x=1&x=%C3%A4 HTTP/1.1',
          'Host: people.example',
          'Origin: https://people.example',
          'Accept: a',
          'Accept: b',
          'X-Ours: kept',
          'X-Hop: dropped',
          'Connection: close, x-hop, host, origin',
          'TE: trailers',
          'Keep-Alive: timeout=5',
          'Proxy-Authorization: secret',
          'X-Forwarded-For: 203.0.113.9',
          'X-Forwarded-Proto: https',
          'X-Request-Id: chosen-by-a-stranger',
          'Content-Length: 3',
          '',
          'abc',
        ].join('\r\n'),
      ),
    );
    expect(heard).toMatchObject({ method: 'PUT', url: '/api/files/a%20b%2Fc?x=1&x=%C3%A4', body: 'abc' });
    const pairs = pairsOf(heard);
    const valuesOf = (name: string): string[] => pairs.flatMap(([known, value]) => (known === name ? [value] : []));
    expect(valuesOf('host')).toEqual(['people.example']);
    expect(valuesOf('origin')).toEqual(['https://people.example']);
    expect(valuesOf('accept')).toEqual(['a', 'b']);
    expect(valuesOf('x-ours')).toEqual(['kept']);
    expect(valuesOf('x-forwarded-for')).toEqual(['203.0.113.9, 127.0.0.1']);
    // The word of who is not trusted counts for nothing.
    expect(valuesOf('x-forwarded-proto')).toEqual(['http']);
    expect(valuesOf('x-request-id')).toHaveLength(1);
    expect(valuesOf('x-request-id')).not.toEqual(['chosen-by-a-stranger']);
    for (const gone of ['x-hop', 'te', 'keep-alive', 'proxy-authorization']) expect(valuesOf(gone)).toEqual([]);
  });

  test('carries what a trusted proxy said of it', async () => {
    web = await startWeb(`http://127.0.0.1:${far.port}`, { trusted: true });
    const answer = await fetch(`${web.url}/api/x`, {
      headers: { 'x-forwarded-proto': 'https', 'x-request-id': 'id-of-the-proxy', 'x-forwarded-for': '203.0.113.9' },
    });
    expect(Object.fromEntries(pairsOf((await answer.json()) as Echoed))).toMatchObject({
      'x-forwarded-proto': 'https',
      'x-request-id': 'id-of-the-proxy',
      'x-forwarded-for': '203.0.113.9, 127.0.0.1',
    });
  });

  test.each(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])(
    '%s without a body has none there',
    async (method) => {
      const answer = await fetch(`${web.url}/api/x`, { method });
      const heard = (await answer.json()) as Echoed;
      expect([heard.method, heard.body]).toEqual([method, '']);
      expect(Object.fromEntries(pairsOf(heard))).not.toHaveProperty('transfer-encoding');
    },
  );

  test('a body of unknown length, and an answer with cookies, a status and headers of its own, pass', async () => {
    far.state.serve = (request, response) => {
      text(request).then(
        (body) =>
          response
            .writeHead(418, ['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2', 'X-Request-Id', 'of-the-api', 'ETag', '"1"'])
            .end(body.toUpperCase()),
        () => {},
      );
    };
    const answer = await fetch(`${web.url}/api/x`, {
      method: 'POST',
      headers: { 'content-type': 'text/plain' },
      body: new Blob(['of some length']).stream(),
      duplex: 'half',
    });
    expect([answer.status, await answer.text()]).toEqual([418, 'OF SOME LENGTH']);
    expect(answer.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
    expect(answer.headers.get('x-request-id')).toBe('of-the-api');
    // The api's own headers, and none of the web's.
    expect(answer.headers.get('content-security-policy')).toBeNull();
  });

  test('the answer begins before it is whole, and HEAD has a length and no body', async () => {
    let finish = (): void => {};
    far.state.serve = (request, response) => {
      if (request.method === 'HEAD') return void response.writeHead(200, { 'content-length': '12345' }).end();
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: first\n\n');
      finish = () => void response.end('data: last\n\n');
    };
    const answer = await fetch(`${web.url}/api/events`);
    const reader = answer.body?.getReader();
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe('data: first\n\n');
    finish();
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe('data: last\n\n');
    const head = await fetch(`${web.url}/api/x`, { method: 'HEAD' });
    expect([head.headers.get('content-length'), await head.text()]).toEqual(['12345', '']);
  });

  test('64 MB each way arrive whole, and a reader that waits keeps the writer waiting', async () => {
    const block = randomBytes(1024 * 1024);
    const blocks = 64;
    const expected = createHash('sha256');
    for (let n = 0; n < blocks; n += 1) expected.update(block);
    const sum = expected.digest('hex');
    let written = 0;
    far.state.serve = (request, response) => {
      const hash = createHash('sha256');
      request.on('data', (data: Buffer) => hash.update(data));
      request.on('end', () => {
        response.writeHead(200, { 'x-sum': hash.digest('hex') });
        const write = (): void => {
          while (written < blocks) {
            written += 1;
            if (!response.write(block)) return void response.once('drain', write);
          }
          response.end();
        };
        write();
      });
    };
    await new Promise<void>((resolve, reject) => {
      const outgoing = httpRequest(`${web.url}/api/x`, { method: 'PUT' }, (answer) => {
        const settle = async (): Promise<void> => {
          expect(answer.headers['x-sum']).toBe(sum);
          answer.pause();
          // It goes on until the buffers between are full, and then no further.
          let before = -1;
          await vi.waitUntil(
            () => {
              const isStill = written === before;
              before = written;
              return isStill;
            },
            { timeout: 20_000, interval: 500 },
          );
          expect(written).toBeLessThan(blocks);
          const hash = createHash('sha256');
          for await (const data of answer) hash.update(data as Buffer);
          expect(hash.digest('hex')).toBe(sum);
        };
        settle().then(resolve, reject);
      });
      outgoing.on('error', reject);
      let sent = 0;
      const send = (): void => {
        while (sent < blocks) {
          sent += 1;
          if (!outgoing.write(block)) return void outgoing.once('drain', send);
        }
        outgoing.end();
      };
      send();
    });
  });

  test('nothing but /api/ and /socket.io/ is sent on', async () => {
    for (const path of [
      '/metrics',
      '/healthz',
      '/api',
      '/apis/x',
      '/api/../metrics',
      '/api/%2e%2e/metrics',
      '/api/..%2fmetrics',
      '/api/x/..\\..\\metrics',
      '/api/%',
      '/socket.io',
      'http://127.0.0.1/api/x',
      '//127.0.0.1/api/x',
    ]) {
      const heard = await sayRaw(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${web.port}\r\nConnection: close\r\n\r\n`);
      expect(heard.slice(0, 12), path).toMatch(/HTTP\/1\.1 40[04]/);
      const upgrade = `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${web.port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`;
      expect((await sayRaw(upgrade)).slice(0, 12), path).toMatch(/HTTP\/1\.1 40[04]/);
    }
    expect(far.state.asked).toEqual([]);
    await fetch(`${web.url}/socket.io/?EIO=4&transport=polling`);
    expect(far.state.asked).toEqual(['/socket.io/?EIO=4&transport=polling']);
  });

  test('a base path stands before both', async () => {
    web = await startWeb(`http://127.0.0.1:${far.port}`, { basePath: '/claude' });
    expect((await fetch(`${web.url}/claude/api/x?y`)).status).toBe(200);
    expect((await fetch(`${web.url}/api/x`)).status).toBe(404);
    expect(far.state.asked).toEqual(['/claude/api/x?y']);
    expect(await web.way.answers()).toBe(true);
  });
});

describe('an api that is away', () => {
  const errorOf = async (answer: Response): Promise<unknown> => ((await answer.json()) as { error: unknown }).error;

  test('is said at once in the form of errors, to be tried again, and it is found when it is back', async () => {
    expect((await fetch(`${web.url}/api/x`)).status).toBe(200);
    await far.kill();
    expect(await web.way.answers()).toBe(false);
    for (const init of [{}, { method: 'POST', body: 'x'.repeat(2_000_000) }]) {
      const answer = await fetch(`${web.url}/api/x`, init);
      expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
      expect(await errorOf(answer)).toMatchObject({
        code: 'unavailable',
        requestId: answer.headers.get('x-request-id'),
        message: expect.stringContaining('Nothing was done'),
      });
    }
    await far.comeBack();
    expect((await fetch(`${web.url}/api/x`)).status).toBe(200);
    expect(await web.way.answers()).toBe(true);
  });

  test('dies before it answers: nobody knows whether it was done', async () => {
    far.state.serve = () => void far.kill();
    const answer = await fetch(`${web.url}/api/x`, { method: 'POST', body: 'once' });
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([502, '1']);
    expect(await errorOf(answer)).toMatchObject({ code: 'upstream_failed' });
  });

  test('dies in the middle of an answer: half of it does not look whole', async () => {
    far.state.serve = (_request, response) => {
      response.write('half');
      setImmediate(() => void far.kill());
    };
    await expect(fetch(`${web.url}/api/x`).then((answer) => answer.text())).rejects.toThrow();
    await far.comeBack();
    far.state.serve = echo;
    expect((await fetch(`${web.url}/api/x`)).status).toBe(200);
  });

  test('has closed a connection that was kept: what can be asked twice is, and what cannot has one of its own', async () => {
    const used = new Set<Socket>();
    let resets = 0;
    far.state.serve = (request, response) => {
      // As a server that gives up an idle connection at the moment when it is used.
      if (used.has(request.socket)) {
        resets += 1;
        return void request.socket.resetAndDestroy();
      }
      used.add(request.socket);
      response.end('ok');
    };
    expect((await fetch(`${web.url}/api/x`)).status).toBe(200);
    expect((await fetch(`${web.url}/api/x`)).status).toBe(200);
    expect(resets).toBe(1);
    for (let n = 0; n < 3; n += 1) expect((await fetch(`${web.url}/api/x`, { method: 'POST' })).status).toBe(200);
  });

  test('refuses a body before it is whole, and the answer is read', async () => {
    far.state.serve = (request, response) => {
      response.writeHead(413, { 'content-type': 'application/json' }).end('{"error":"too large"}');
      request.resume();
    };
    const answer = await fetch(`${web.url}/api/x`, { method: 'POST', body: randomBytes(8 * 1024 * 1024) });
    expect([answer.status, await answer.json()]).toEqual([413, { error: 'too large' }]);
  });

  test('refuses a body that goes on: the answer is read, and little more of the body', async () => {
    far.state.serve = (request, response) => {
      response.writeHead(401, { 'content-type': 'application/json' }).end('{"error":"who are you"}');
      request.resume();
    };
    const socket = connect(web.port, '127.0.0.1');
    let heard = '';
    socket.on('data', (data) => (heard += data.toString('latin1')));
    socket.on('error', () => {});
    const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    socket.write('PUT /api/x HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n');
    const block = randomBytes(256 * 1024);
    let sent = 0;
    const send = (): void => {
      while (!socket.destroyed && sent < 1_000) {
        sent += 1;
        if (!socket.write(block)) return void socket.once('drain', send);
      }
    };
    send();
    await ended;
    expect(heard).toContain('HTTP/1.1 401');
    expect(heard).toContain('who are you');
    // What the system's own buffers take, which are a few MiB at each end, and not the 64 of a person who is known.
    expect(sent * block.length).toBeLessThan(32 * 1024 * 1024);
  });

  test('is told when who asked hangs up, while it thinks and while it answers', async () => {
    for (const begins of [false, true]) {
      let gone = false;
      far.state.serve = (_request, response) => {
        response.once('close', () => (gone = true));
        if (begins) response.write('some');
      };
      const abort = new AbortController();
      const asked = fetch(`${web.url}/api/x`, { signal: abort.signal }).then((answer) => answer.text());
      asked.catch(() => {});
      await vi.waitUntil(() => far.state.asked.length > 0, patience);
      far.state.asked.length = 0;
      abort.abort();
      await vi.waitFor(() => expect(gone).toBe(true), patience);
    }
  });
});

describe('a WebSocket', () => {
  const opened = async (): Promise<{ near: WebSocket; behind: WebSocket }> => {
    const count = far.state.sockets.length;
    const near = new WebSocket(`${web.url.replace('http', 'ws')}/api/sessions/x/ws?y=1`, ['a', 'b'], {
      headers: { origin: 'https://people.example', host: 'people.example' },
    });
    near.on('error', () => {});
    await new Promise((resolve, reject) => near.once('open', resolve).once('error', reject));
    await vi.waitUntil(() => far.state.sockets.length > count, patience);
    return { near, behind: far.state.sockets.at(-1) as WebSocket };
  };
  const closeOf = (socket: WebSocket): Promise<[number, string]> =>
    new Promise((resolve) => socket.once('close', (code, reason) => resolve([code, reason.toString()])));

  test('speaks with the api: protocol, texts, bytes of any size, and the words of a close either way', async () => {
    const { near, behind } = await opened();
    expect([near.protocol, far.state.asked]).toEqual(['b', ['/api/sessions/x/ws?y=1']]);
    behind.on('message', (data, isBinary) => behind.send(data, { binary: isBinary }));
    for (const said of ['', 'hello', randomBytes(125), randomBytes(70_000), randomBytes(5_000_000)]) {
      const heard = new Promise<Buffer>((resolve) => near.once('message', (data) => resolve(data as Buffer)));
      near.send(said);
      expect((await heard).equals(Buffer.from(said))).toBe(true);
    }
    const closed = closeOf(near);
    behind.close(4403, 'not you');
    expect(await closed).toEqual([4403, 'not you']);
    const second = await opened();
    const told = closeOf(second.behind);
    second.near.close(4001, 'bye');
    expect(await told).toEqual([4001, 'bye']);
  });

  test('is refused by the api in its own words', async () => {
    far.state.refused = true;
    const near = new WebSocket(`${web.url.replace('http', 'ws')}/api/sessions/x/ws`);
    const answer = await new Promise<IncomingMessage>((resolve) =>
      near.once('unexpected-response', (_request, refusal) => resolve(refusal)),
    );
    expect([answer.statusCode, await text(answer)]).toEqual([403, 'no!\n']);
    near.on('error', () => {});
    near.terminate();
  });

  test('that is no WebSocket is no tunnel: nothing after it reaches the api', async () => {
    const head = 'Host: x\r\nConnection: Upgrade\r\n';
    const heard = await sayRaw(
      `GET /api/x HTTP/1.1\r\n${head}Upgrade: h2c\r\n\r\nGET /metrics HTTP/1.1\r\nHost: x\r\n\r\n`,
    );
    expect(heard).toContain('HTTP/1.1 400');
    far.state.refused = true;
    const refused = await sayRaw(
      `GET /api/x HTTP/1.1\r\n${head}Upgrade: websocket\r\n\r\nGET /metrics HTTP/1.1\r\nHost: x\r\n\r\n`,
    );
    expect(refused).toContain('HTTP/1.1 403');
    expect(far.state.asked).toEqual(['/api/x']);
  });

  test('ends at both ends when either is cut, and none can be had while the api is away', async () => {
    const first = await opened();
    const told = closeOf(first.behind);
    first.near.terminate();
    expect((await told)[0]).toBe(1006);
    const second = await opened();
    const closed = closeOf(second.near);
    await far.kill();
    expect((await closed)[0]).toBe(1006);
    const third = new WebSocket(`${web.url.replace('http', 'ws')}/api/sessions/x/ws`);
    third.on('error', () => {});
    const status = await new Promise((resolve) =>
      third.once('unexpected-response', (_request, { statusCode }) => resolve(statusCode)),
    );
    expect(status).toBe(503);
    third.terminate();
    await far.comeBack();
    (await opened()).near.terminate();
  });

  test('whose reader waits keeps the writer waiting, and it loses nothing', async () => {
    const { near, behind } = await opened();
    near.pause();
    const block = randomBytes(256 * 1024);
    const count = 128;
    for (let n = 0; n < count; n += 1) behind.send(block);
    let before = -1;
    await vi.waitUntil(
      () => {
        const isStill = behind.bufferedAmount === before;
        before = behind.bufferedAmount;
        return isStill;
      },
      { timeout: 20_000, interval: 500 },
    );
    // Most of it waits where it comes from.
    expect(behind.bufferedAmount).toBeGreaterThan((count * block.length) / 2);
    let heard = 0;
    near.on('message', (data: Buffer) => (heard += data.equals(block) ? 1 : 0));
    near.resume();
    await vi.waitUntil(() => heard === count, patience);
  });

  test('whose reader takes nothing for too long ends at both ends, also where the api has gone unseen', async () => {
    for (const isCut of [false, true]) {
      web = await startWeb(`http://127.0.0.1:${far.port}`, {
        timing: { heartbeat: '100ms', heartbeatTimeout: '400ms' },
      });
      const { near, behind } = await opened();
      near.pause();
      const block = randomBytes(1024 * 1024);
      for (let n = 0; n < 64; n += 1) behind.send(block);
      const gone = closeOf(behind);
      if (isCut) behind.terminate();
      expect((await gone)[0]).toBe(1006);
      // It would else wait there for ever: what came is read, and then the end.
      const ended = closeOf(near);
      near.resume();
      expect([1006, 1013]).toContain((await ended)[0]);
      await web.close();
    }
  });

  test('that reads slowly but reads is left alone', async () => {
    web = await startWeb(`http://127.0.0.1:${far.port}`, { timing: { heartbeat: '100ms', heartbeatTimeout: '1s' } });
    const { near, behind } = await opened();
    const block = randomBytes(1024 * 1024);
    const count = 24;
    for (let n = 0; n < count; n += 1) behind.send(block);
    let heard = 0;
    // Longer than its patience in all, and never as long at a time.
    near.on('message', () => {
      heard += 1;
      near.pause();
      setTimeout(() => near.resume(), 150);
    });
    await vi.waitUntil(() => heard === count, { timeout: 60_000, interval: 20 });
    expect(near.readyState).toBe(near.OPEN);
  });

  test('is one request at all: the id of a trusted proxy goes on with it', async () => {
    web = await startWeb(`http://127.0.0.1:${far.port}`, { trusted: true });
    const ids: unknown[] = [];
    far.state.refused = true;
    far.onUpgrade = (request) => ids.push(request.headers['x-request-id']);
    for (const headers of [{ 'x-request-id': 'id-of-the-proxy' }, {}]) {
      const near = new WebSocket(`${web.url.replace('http', 'ws')}/api/sessions/x/ws`, { headers });
      near.on('error', () => {});
      await new Promise((resolve) => near.once('unexpected-response', resolve));
      near.terminate();
    }
    expect(ids).toEqual(['id-of-the-proxy', expect.stringMatching(/^[\da-f-]{36}$/)]);
  });

  test('is told to come back when the web ends, between two messages of the api', async () => {
    const { near, behind } = await opened();
    const heard: Buffer[] = [];
    near.on('message', (data: Buffer) => heard.push(data));
    const block = randomBytes(3_000_000);
    let isOpen = true;
    const speak = (): void => {
      if (isOpen) behind.send(block, (error) => error ?? speak());
    };
    speak();
    behind.on('close', () => (isOpen = false));
    await vi.waitUntil(() => heard.length > 2, patience);
    const closed = closeOf(near);
    const told = closeOf(behind);
    web.way.drain();
    const [code, reason] = await closed;
    expect(code).toBe(1012);
    expect(Number(reason)).toBeLessThanOrEqual(1_000);
    expect(heard.every((data) => data.equals(block))).toBe(true);
    expect((await told)[0]).toBe(1012);
    const late = new WebSocket(`${web.url.replace('http', 'ws')}/api/sessions/x/ws`);
    late.on('error', () => {});
    const status = await new Promise((resolve) =>
      late.once('unexpected-response', (_request, { statusCode }) => resolve(statusCode)),
    );
    expect(status).toBe(503);
    late.terminate();
  });

  test('does not keep the web from ending, whatever its ends do', async () => {
    const { near, behind } = await opened();
    near.pause();
    behind.pause();
    const beganMs = performance.now();
    await web.close();
    expect(performance.now() - beganMs).toBeLessThan(8_000);
  });
});

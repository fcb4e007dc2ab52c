import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { createSilentLog } from '../../testing/silent-log.js';
import { createDoors, type Doors } from './doors.js';
import { createMeter, type Metered } from './meter.js';
import { costOf } from './prices.js';
import { createForwarder, type ForwardResult } from './proxy.js';

const canary = 'sk-canary-0123456789';
const log = createSilentLog();
const sessionId = 'session-a';

let folder: string;
let upstream: Server;
let upstreamUrl: string;
let answer: (request: IncomingMessage, response: ServerResponse) => void;
let seen: { headers: IncomingMessage['headers']; url: string; body: string }[] = [];
let doors: Doors;
let results: ForwardResult[] = [];
const forwarder = createForwarder();

const socketPath = (): string => join(folder, 'gateway.sock');

interface Answered {
  status: number;
  headers: IncomingMessage['headers'];
  body: string;
  chunks: string[];
  broken: boolean;
}

const call = (
  path: string,
  options: { token?: string; method?: string; body?: string; headers?: Record<string, string> } = {},
): Promise<Answered> =>
  new Promise((resolve, reject) => {
    const headers = {
      authorization: `Bearer ${options.token ?? 'token-of-p1'}`,
      'content-type': 'application/json',
      ...options.headers,
    };
    const out = request(
      { socketPath: socketPath(), path, method: options.method ?? 'POST', headers, agent: false },
      (incoming) => {
        const chunks: string[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk.toString()));
        const finish = (broken: boolean) => () =>
          resolve({
            status: incoming.statusCode ?? 0,
            headers: incoming.headers,
            body: chunks.join(''),
            chunks,
            broken,
          });
        incoming.on('end', finish(false));
        incoming.on('error', finish(true));
      },
    );
    out.on('error', reject);
    out.end(options.method === 'GET' ? undefined : (options.body ?? '{}'));
  });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rc-gw-'));
  upstream = createServer((incoming, response) => {
    let body = '';
    incoming.on('data', (chunk: Buffer) => (body += chunk.toString()));
    incoming.on('end', () => {
      seen.push({ headers: incoming.headers, url: incoming.url ?? '', body });
      answer(incoming, response);
    });
  });
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  upstreamUrl = `http://127.0.0.1:${(upstream.address() as { port: number }).port}`;
  doors = createDoors({
    tokenOf: (placeId) => `token-of-${placeId}`,
    call: async (incoming, response) => {
      results.push(await forwarder.forward(incoming, response, { baseUrl: upstreamUrl, apiKey: canary }));
    },
    log,
  });
  await doors.open(sessionId, 'p1', { kind: 'unix', path: socketPath(), ownerUid: process.getuid?.() ?? 0 });
});
afterEach(() => {
  seen = [];
  results = [];
});
afterAll(async () => {
  await doors.closeAll();
  forwarder.close();
  upstream.closeAllConnections();
  await new Promise((resolve) => upstream.close(resolve));
  await rm(folder, { recursive: true, force: true });
});

const json = (body: unknown) => (_request: IncomingMessage, response: ServerResponse) => {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
};

describe('a session’s door', () => {
  it('puts the real key in, keeps what it does not know, and never shows the key', async () => {
    answer = json({ model: 'claude-haiku-4-5', usage: { input_tokens: 3, output_tokens: 2 } });
    const body = JSON.stringify({ model: 'm', a_field_of_tomorrow: [1] });
    const got = await call('/v1/messages?beta=true', {
      body,
      headers: { 'anthropic-beta': 'future-1', cookie: 'x=y' },
    });
    expect(got.status).toBe(200);
    expect(seen[0]).toMatchObject({ url: '/v1/messages?beta=true', body });
    expect(seen[0]?.headers).toMatchObject({ 'x-api-key': canary, 'anthropic-beta': 'future-1' });
    expect(seen[0]?.headers).not.toHaveProperty('authorization');
    expect(seen[0]?.headers).not.toHaveProperty('cookie');
    expect(JSON.stringify(got)).not.toContain(canary);
    expect(results[0]?.metered).toEqual({
      model: 'claude-haiku-4-5',
      usage: { inputTokens: 3, outputTokens: 2, cacheReadTokens: 0, cacheWriteTokens: 0 },
    });
  });

  it.each([
    ['another place’s token', 'POST /v1/messages', 'token-of-p2', 401],
    ['no token', 'POST /v1/messages', '', 401],
    ['another path', 'POST /v1/files', 'token-of-p1', 403],
    ['a path that climbs', 'POST /v1/messages/../files', 'token-of-p1', 403],
    ['another method', 'GET /v1/messages', 'token-of-p1', 403],
    ['an absolute address', 'POST http://127.0.0.1:1/v1/messages', 'token-of-p1', 403],
  ])('refuses %s with the reason', async (_name, target, token, status) => {
    const [method = '', path = ''] = target.split(' ');
    const got = await call(path, { token, method });
    expect(got.status).toBe(status);
    expect(JSON.parse(got.body)).toMatchObject({
      type: 'error',
      error: { message: expect.stringMatching(/\w+ .*\./) },
    });
    expect(seen).toEqual([]);
  });

  it('gives an upstream’s error through unchanged', async () => {
    const error = JSON.stringify({
      type: 'error',
      error: { type: 'overloaded_error', message: 'Overloaded' },
      extra: 1,
    });
    answer = (_request, response) =>
      response.writeHead(529, { 'content-type': 'application/json', 'retry-after': '7' }).end(error);
    const got = await call('/v1/messages');
    expect([got.status, got.body, got.headers['retry-after']]).toEqual([529, error, '7']);
  });

  it('passes each event on before the next exists', async () => {
    let release = (): void => {};
    answer = (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(
        'event: message_start\ndata: {"type":"message_start","message":{"model":"claude-sonnet-5","usage":{"input_tokens":9}}}\n\n',
      );
      release = () =>
        response.end('event: message_delta\ndata: {"type":"message_delta","usage":{"output_tokens":4}}\n\n');
    };
    const got = await new Promise<string>((resolve, reject) => {
      const out = request(
        {
          socketPath: socketPath(),
          path: '/v1/messages',
          method: 'POST',
          headers: { authorization: 'Bearer token-of-p1' },
        },
        (incoming) => {
          let text = '';
          incoming.on('data', (chunk: Buffer) => {
            if (text === '') release();
            text += chunk.toString();
          });
          incoming.on('end', () => resolve(text));
        },
      );
      out.on('error', reject);
      out.end('{}');
    });
    expect(got).toContain('message_delta');
    expect(results[0]?.metered?.usage).toMatchObject({ inputTokens: 9, outputTokens: 4 });
  });

  it('breaks where the upstream breaks, and counts what it had said', async () => {
    answer = (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: {"type":"message_start","message":{"model":"m","usage":{"input_tokens":5}}}\n\n', () =>
        response.destroy(),
      );
    };
    const got = await call('/v1/messages');
    expect(got.broken).toBe(true);
    expect(results[0]?.metered?.usage.inputTokens).toBe(5);
  });

  it('gives up the upstream’s answer when Claude hangs up', async () => {
    const closed = new Promise<string>((resolve) => {
      answer = (_request, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write('data: {}\n\n');
        response.on('close', () => resolve(response.writableEnded ? 'ended' : 'given up'));
      };
    });
    const out = request(
      {
        socketPath: socketPath(),
        path: '/v1/messages',
        method: 'POST',
        headers: { authorization: 'Bearer token-of-p1' },
      },
      (incoming) => {
        incoming.on('error', () => {});
        incoming.once('data', () => out.destroy());
      },
    );
    out.on('error', () => {});
    out.end('{}');
    expect(await closed).toBe('given up');
  });

  it('says so where nothing answers', async () => {
    const dead = createDoors({
      tokenOf: () => 't',
      call: async (incoming, response) =>
        void (await forwarder.forward(incoming, response, { baseUrl: 'http://127.0.0.1:1', apiKey: canary })),
      log,
    });
    const path = join(folder, 'dead.sock');
    await dead.open('b', 'p', { kind: 'unix', path, ownerUid: 0 });
    const got = await new Promise<{ status: number; body: string }>((resolve, reject) => {
      const out = request(
        { socketPath: path, path: '/v1/messages', method: 'POST', headers: { authorization: 'Bearer t' } },
        (incoming) => {
          let body = '';
          incoming.on('data', (chunk: Buffer) => (body += chunk.toString()));
          incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, body }));
        },
      );
      out.on('error', reject);
      out.end('{}');
    });
    await dead.closeAll();
    expect(got.status).toBe(502);
    expect(got.body).toContain('cannot be reached');
    expect(got.body).not.toContain(canary);
  });

  it('opens again over what a killed server left', async () => {
    expect(await readdir(folder)).toContain('gateway.sock');
    await doors.open(sessionId, 'p2', { kind: 'unix', path: socketPath(), ownerUid: 0 });
    answer = json({});
    expect((await call('/v1/messages')).status).toBe(401);
    expect((await call('/v1/messages', { token: 'token-of-p2' })).status).toBe(200);
  });

  it.each(['leaves', 'is killed'])('is ours again after another server had it, which %s', async (how) => {
    const address = { kind: 'unix' as const, path: socketPath(), ownerUid: 0 };
    answer = json({});
    await doors.open(sessionId, 'p2', address);
    const other = createDoors({
      tokenOf: () => 'of-the-other',
      call: async (_request, response) => void response.writeHead(204).end(),
      log,
    });
    await other.open(sessionId, 'p2', address);
    expect((await call('/v1/messages', { token: 'of-the-other' })).status).toBe(204);
    if (how === 'leaves') await other.closeAll();
    await doors.open(sessionId, 'p2', address);
    expect((await call('/v1/messages', { token: 'token-of-p2' })).status).toBe(200);
    // One that closes late takes nothing with it.
    await other.closeAll();
    expect((await call('/v1/messages', { token: 'token-of-p2' })).status).toBe(200);
  });
});

describe('the meter', () => {
  const stream = (...events: unknown[]): Buffer =>
    Buffer.from(events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join(''));
  const whole = stream(
    {
      type: 'message_start',
      message: { model: 'claude-opus-5', usage: { input_tokens: 7, cache_read_input_tokens: 100, output_tokens: 1 } },
    },
    { type: 'content_block_delta', delta: { text: '"type":"message_delta","usage":{"output_tokens":999}' } },
    { type: 'message_delta', usage: { output_tokens: 50 } },
  );
  const expected: Metered = {
    model: 'claude-opus-5',
    usage: { inputTokens: 7, outputTokens: 50, cacheReadTokens: 100, cacheWriteTokens: 0 },
  };

  it('counts the same however the bytes are cut', () => {
    for (const size of [1, 2, 7, 64, whole.length]) {
      const meter = createMeter('text/event-stream; charset=utf-8');
      for (let start = 0; start < whole.length; start += size) meter.push(whole.subarray(start, start + size));
      expect(meter.result(), `pieces of ${size}`).toEqual(expected);
    }
  });

  it('is not led astray by noise', () => {
    const meter = createMeter('text/event-stream');
    meter.push(Buffer.from([0xff, 0x0a, 0x00, 0x0a]));
    meter.push(
      Buffer.from(
        'data: {"type":"message_start","message":\ndata: {"type":"message_delta","usage":{"output_tokens":-5}}\n',
      ),
    );
    expect(meter.result()).toMatchObject({ usage: { outputTokens: 0 } });
  });
});

describe('prices', () => {
  it('are those of the model, cached tokens apart', () => {
    const usage = { inputTokens: 1_000_000, outputTokens: 100_000, cacheReadTokens: 1_000_000, cacheWriteTokens: 0 };
    expect(costOf('claude-sonnet-4-5-20250929', usage)).toBeCloseTo(3 + 1.5 + 0.3);
    expect(costOf('claude-opus-5', usage)).toBeCloseTo(5 + 2.5 + 0.5);
    expect(costOf('somebody-elses-model', usage)).toBeNull();
  });
});

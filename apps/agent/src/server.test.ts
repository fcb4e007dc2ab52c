import { writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';

import { AppError } from '@remote-claude/contract';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';

import type { HttpPart } from './parts.js';
import { createAgentServer, type AgentServer } from './server.js';
import { scratchFolder } from './testing/scratch.js';

const secret = 'a-secret-of-the-test-only';
const part: HttpPart = {
  handle: async (_request, response, url) => {
    await Promise.resolve();
    if (url.pathname === '/refused') throw new AppError('path_refused');
    if (url.pathname === '/broken') throw new Error('inner words');
    if (url.pathname !== '/here') return false;
    response.end('part');
    return true;
  },
};

let scratch: ReturnType<typeof scratchFolder>;
let server: AgentServer;
let socketPath: string;
let upgrades: number;

beforeEach(async () => {
  scratch = scratchFolder();
  socketPath = join(scratch.path, 'agent.sock');
  upgrades = 0;
  server = await createAgentServer({
    listen: { kind: 'unix', path: socketPath },
    secret,
    http: [part],
    sockets: {
      '/live': (socket) => {
        upgrades += 1;
        socket.close();
      },
    },
    log: () => undefined,
  });
});
afterEach(async () => {
  await server.close();
  scratch.remove();
});

const get = (path: string, authorization?: string): Promise<{ status: number; body: string }> =>
  new Promise((resolve, reject) => {
    const headers = authorization === undefined ? {} : { authorization };
    request({ socketPath, path, headers }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => (body += text));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    })
      .on('error', reject)
      .end();
  });
const open = (path: string, authorization?: string): Promise<number | 'open'> =>
  new Promise((resolve) => {
    const headers = authorization === undefined ? {} : { authorization };
    const socket = new WebSocket(`ws+unix:${socketPath}:${path}`, { headers });
    socket.on('open', () => resolve('open'));
    socket.on('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0));
    socket.on('error', () => undefined);
  });

describe("the agent's server", () => {
  it.each([
    ['no secret', undefined],
    ['another secret', 'Bearer another-secret-of-the-test'],
    ['the secret in another scheme', `Basic ${secret}`],
    ['the beginning of the secret', `Bearer ${secret.slice(0, -1)}`],
    ['the secret with more behind it', `Bearer ${secret}x`],
  ])('gives nothing to %s', async (_name, authorization) => {
    expect(await get('/healthz', authorization)).toEqual({ status: 200, body: 'ok\n' });
    for (const path of ['/here', '/nowhere', '/refused', '/control'])
      expect((await get(path, authorization)).status).toBe(401);
    expect(await open('/live', authorization)).toBe(401);
    expect(await open('/nowhere', authorization)).toBe(401);
    expect(upgrades).toBe(0);
  });

  it('routes to its parts and answers with the errors of the table', async () => {
    const bearer = `Bearer ${secret}`;
    expect(await get('/here?a=1', bearer)).toEqual({ status: 200, body: 'part' });
    expect((await get('/nowhere', bearer)).status).toBe(404);
    const refused = await get('/refused', bearer);
    expect(refused.status).toBe(403);
    expect(JSON.parse(refused.body)).toMatchObject({ error: { code: 'path_refused' } });
    const broken = await get('/broken', bearer);
    expect(broken.status).toBe(500);
    expect(broken.body).not.toContain('inner words');
    expect(await open('/live', bearer)).toBe('open');
    expect(await open('/nowhere', bearer)).toBe(404);
  });

  it('listens again where a killed agent left its socket', async () => {
    await server.close();
    writeFileSync(socketPath, '');
    server = await createAgentServer({
      listen: { kind: 'unix', path: socketPath },
      secret,
      http: [part],
      sockets: {},
      log: () => undefined,
    });
    expect((await get('/healthz')).status).toBe(200);
  });
});

// `remote-claude doctor` on set-ups that are right and wrong: each fault is named, with what to do.

import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { Finding } from '@remote-claude/server';
import type { ScriptedModel } from '@remote-claude/scripted-model';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { builtEnv } from '../support/config.js';
import { freePort } from '../support/free-port.js';
import { configFor, startModel } from '../support/model.js';
import { startPostgres, type OwnPostgres } from '../support/postgres.js';
import { startProduct, type Product } from '../support/product.js';

const program = fileURLToPath(new URL('../../apps/cli/dist/main.js', import.meta.url));
let folder: string;
let model: ScriptedModel;
let product: Product;
let postgres: OwnPostgres;
const servers: Server[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rc-'));
  model = await startModel([]);
  product = await startProduct({ config: configFor(model) });
  postgres = await startPostgres();
});
afterAll(async () => {
  for (const server of servers) server.close();
  await postgres?.close();
  await product?.close();
  await model?.close();
  await rm(folder, { recursive: true, force: true });
});

interface Examined {
  code: number | null;
  findings: Finding[];
  of(topic: string): Finding | undefined;
}

const doctor = async (config: string, ...args: string[]): Promise<Examined> => {
  const file = join(folder, 'config.yaml');
  await writeFile(file, config);
  const child = spawn(
    process.execPath,
    [program, 'doctor', '--json', '--config', file, '--data-dir', join(folder, 'data'), ...args],
    { env: builtEnv(), stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const lines = (await text(child.stdout)).split('\n').filter((line) => line !== '');
  const findings = lines.map((line) => JSON.parse(line) as Finding);
  return { code: await ended, findings, of: (topic) => findings.find((found) => found.topic === topic) };
};

it('finds nothing wrong with a server that is right, and touches nothing of it', async () => {
  const { code, findings } = await doctor(configFor(model), '--url', product.url);
  expect(findings.filter(({ state }) => state === 'problem')).toEqual([]);
  expect(code).toBe(0);
  expect(findings.map(({ topic }) => topic)).toEqual(
    expect.arrayContaining([
      ...['machine', 'data folder', 'database', 'Redis', 'isolation', 'model', 'page', 'proxy headers', 'WebSockets'],
    ]),
  );
  expect(product.stillRuns()).toBe(true);
});

it('asks the database for its version and its clock', async () => {
  const { of } = await doctor(`${configFor(model)}\ndatabase: { url: "${postgres.url}" }\n`);
  expect(of('database')).toMatchObject({ state: 'ok', what: expect.stringMatching(/^PostgreSQL 1\d\.\d+ answers/) });
  expect(of('clock')).toMatchObject({ state: 'ok' });
});

it('names what does not answer: database, Redis, model, engine, page', async () => {
  const nobody = await freePort();
  const secret = 'not-to-be-printed';
  const { code, findings, of } = await doctor(
    `
database: { url: "postgres://me:${secret}@127.0.0.1:${nobody}/x" }
redis: { url: "redis://:${secret}@127.0.0.1:${nobody}" }
claude: { baseUrl: "http://127.0.0.1:${nobody}" }
compute: { driver: docker, docker: { host: "unix://${join(folder, 'no.sock')}" } }
`,
    '--url',
    `http://127.0.0.1:${nobody}`,
  );
  expect(code).toBe(1);
  for (const topic of ['database', 'model', 'container engine', 'page'])
    expect(of(topic), topic).toMatchObject({ state: 'problem', mend: expect.stringMatching(/\w/) });
  expect(of('Redis')).toMatchObject({ state: 'warning' });
  expect(of('container engine')?.what).toContain('is Docker installed and running?');
  expect(JSON.stringify(findings)).not.toContain(secret);
});

/** A proxy as people misconfigure it. */
const startProxy = async (host: 'kept' | 'changed'): Promise<string> => {
  const { hostname, port } = new URL(product.url);
  const server = createServer((asked, answer) => {
    const headers = { ...asked.headers, ...(host === 'changed' && { host: 'backend.internal' }) };
    delete headers.upgrade;
    asked.pipe(
      request({ hostname, port, method: asked.method, path: asked.url, headers }, (said) => {
        answer.writeHead(said.statusCode ?? 502, said.headers);
        said.pipe(answer);
      }),
    );
  });
  // Upgrades are passed on as ordinary requests.
  server.on('upgrade', (asked, socket) => {
    socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
    asked.destroy();
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://localhost:${(server.address() as AddressInfo).port}`;
};

it('sees from outside a proxy that passes no upgrade, and one that changes Host', async () => {
  const noUpgrade = await doctor(configFor(model), '--url', await startProxy('kept'));
  expect(noUpgrade.of('page')).toMatchObject({ state: 'ok' });
  expect(noUpgrade.of('WebSockets')).toMatchObject({ state: 'problem', what: expect.stringContaining('400') });
  const otherHost = await doctor(configFor(model), '--url', await startProxy('changed'));
  expect(otherHost.of('proxy headers') ?? otherHost.of('page')).toMatchObject({ state: 'problem' });
});

// `remote-claude doctor` on set-ups that are right and wrong: each fault is named, with what to do.

import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo, Server as NetServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { Finding } from '@remote-claude/server';
import type { ScriptedModel } from '@remote-claude/scripted-model';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { builtEnv } from '../support/config.js';
import { openDatabase } from '../support/database.js';
import { freePort } from '../support/free-port.js';
import { configFor, startModel } from '../support/model.js';
import { startPostgres, type OwnPostgres } from '../support/postgres.js';
import { startProduct, type Product } from '../support/product.js';
import { sizeFolder } from '../support/sized-folder.js';

const program = fileURLToPath(new URL('../../apps/cli/dist/main.js', import.meta.url));
const token = 'the-token-of-the-metrics';
let folder: string;
let model: ScriptedModel;
let product: Product;
let postgres: OwnPostgres;
const servers: NetServer[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rc-'));
  model = await startModel([]);
  product = await startProduct({
    config: configFor(model, `server: { trustedProxies: [127.0.0.1] }\nmonitoring: { metrics: { token: ${token} } }\n`),
  });
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

/** For Node itself, before the program. */
let nodeArgs: string[] = [];
const doctor = async (config: string, ...args: string[]): Promise<Examined> => {
  const file = join(folder, 'config.yaml');
  await writeFile(file, config);
  const child = spawn(
    process.execPath,
    [...nodeArgs, program, 'doctor', '--json', '--config', file, '--data-dir', join(folder, 'data'), ...args],
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

it('asks the database for its version, and it and the model for their clocks', async () => {
  const config = `${configFor(model)}\ndatabase: { url: "${postgres.url}" }\n`;
  const { of, findings } = await doctor(config);
  const clocks = (found: Finding[]): Finding[] => found.filter(({ topic }) => topic === 'clock');
  expect(of('database')).toMatchObject({ state: 'ok', what: expect.stringMatching(/^PostgreSQL 1\d\.\d+ answers/) });
  expect(clocks(findings)).toMatchObject([{ state: 'ok' }, { state: 'ok' }]);

  const shift = new URL('../dist/support/shifted-clock.js', import.meta.url);
  shift.searchParams.set('file', join(folder, 'off'));
  await writeFile(join(folder, 'off'), String(-3_600_000));
  nodeArgs = ['--import', shift.href];
  const wrong = await doctor(config).finally(() => (nodeArgs = []));
  expect(clocks(wrong.findings)).toMatchObject([
    { state: 'warning', what: expect.stringContaining('behind the database') },
    {
      state: 'warning',
      what: expect.stringMatching(/3[56]\d\d s behind the model/),
      mend: expect.stringContaining('NTP'),
    },
  ]);
});

it.runIf(process.getuid?.() === 0)('names a data folder on a disk that is full', async () => {
  const path = join(folder, 'data');
  await mkdir(path, { recursive: true });
  const sized = await sizeFolder(path, 1024 * 1024);
  try {
    await sized.fill();
    expect((await doctor(configFor(model))).of('data folder')).toMatchObject({
      state: 'problem',
      what: expect.stringContaining('0.0 GiB free'),
    });
  } finally {
    await sized.close();
  }
});

it('names other roles that are away, or of another site', async () => {
  const nobody = await freePort();
  const webAt = (apiUrl: string) => doctor(`server: { roles: [web], apiUrl: "${apiUrl}" }\n`);
  expect((await webAt(product.url)).of('other roles')).toMatchObject({ state: 'ok' });
  expect((await webAt(`http://127.0.0.1:${nobody}`)).of('other roles')).toMatchObject({ state: 'problem' });
  const key = Buffer.alloc(32, 7).toString('base64');
  const stranger = createSecureServer((_request, answer) => void answer.end('null'));
  servers.push(stranger);
  await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve));
  for (const port of [nobody, (stranger.address() as AddressInfo).port]) {
    const { findings } = await doctor(`
server: { roles: [api], publicUrl: "http://127.0.0.1:${nobody}", internal: { gatewayUrl: "https://127.0.0.1:${port}", sessionManagerUrl: "https://127.0.0.1:${nobody}" } }
security: { masterKey: "${key}" }
database: { url: "${postgres.url}" }
`);
    const roles = findings.filter(({ topic }) => topic === 'other roles');
    expect(roles).toMatchObject([
      { state: 'problem', what: expect.stringContaining('gateway'), mend: expect.stringContaining('masterKey') },
      { state: 'problem', what: expect.stringContaining('session-manager') },
    ]);
    expect(JSON.stringify(findings)).not.toContain(key);
  }
});

it('counts sessions whose disk is where nobody works, without whom no other is counted', async () => {
  const config = `${configFor(model)}\ndatabase: { url: "${product.databaseUrl}" }\n`;
  expect((await doctor(config)).of('engines')).toBeUndefined();
  const database = await openDatabase(product);
  await database.query(`insert into users (email, name, site_role) values ('away@example.org', 'Away', 'member')`);
  await database.query(
    `insert into sessions (user_id, name, engine) select id, 'Away', gen_random_uuid() from users where name = 'Away'`,
  );
  await database.close();
  expect((await doctor(config)).of('engines')).toMatchObject({
    state: 'problem',
    what: expect.stringContaining('The disks of 1 session are on an engine'),
    mend: expect.stringContaining('remote-claude engine list'),
  });
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

interface Misconfigured {
  host?: 'changed';
  /** What it does of X-Forwarded-For: names who connected, says nothing, or passes on what they say. */
  visitors?: 'named' | 'dropped' | 'as they say';
  scheme?: 'said';
  /** The address that it connects from. */
  from?: string;
}

/** A proxy as people configure it, well or not. Not at `localhost`, where one would be on this machine. */
const startProxy = async ({ host, visitors = 'named', scheme, from }: Misconfigured): Promise<string> => {
  const { port } = new URL(product.url);
  const server = createServer((asked, answer) => {
    const { 'x-forwarded-for': claimed, upgrade: _upgrade, ...headers } = asked.headers;
    const address = asked.socket.remoteAddress ?? '';
    const named = visitors === 'named' ? address : visitors === 'dropped' ? undefined : claimed;
    asked.pipe(
      request(
        {
          ...{ hostname: '127.0.0.1', port, method: asked.method, path: asked.url },
          ...(from !== undefined && { localAddress: from }),
          headers: {
            ...headers,
            ...(host === 'changed' && { host: 'backend.internal' }),
            ...(named !== undefined && { 'x-forwarded-for': named }),
            ...(scheme === 'said' && { 'x-forwarded-proto': 'http' }),
          },
        },
        (said) => {
          answer.writeHead(said.statusCode ?? 502, said.headers);
          said.pipe(answer);
        },
      ),
    );
  });
  // Upgrades are passed on as ordinary requests.
  server.on('upgrade', (asked, socket) => {
    socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
    asked.destroy();
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.5', resolve));
  return `http://127.0.0.5:${(server.address() as AddressInfo).port}`;
};
const behind = async (proxy: Misconfigured): Promise<Examined> =>
  doctor(
    `monitoring: { metrics: { token: ${token} } }\nserver: { roles: [web], apiUrl: "${product.url}" }\n`,
    '--url',
    await startProxy(proxy),
  );

it('sees from outside a proxy that passes no upgrade, and one that changes Host', async () => {
  const noUpgrade = await behind({ scheme: 'said' });
  expect(noUpgrade.of('page')).toMatchObject({ state: 'warning', what: expect.stringContaining('not HTTPS') });
  expect(noUpgrade.of('WebSockets')).toMatchObject({ state: 'problem', what: expect.stringContaining('400') });
  expect(noUpgrade.findings.filter(({ topic }) => topic === 'visitors')).toMatchObject([
    { state: 'ok', what: expect.stringContaining('you come from 127.0.0.1') },
  ]);
  expect((await behind({ host: 'changed' })).of('proxy headers')).toMatchObject({ state: 'problem' });
});

it.each<[Misconfigured, 'warning' | 'problem', RegExp, RegExp]>([
  [{ visitors: 'dropped', scheme: 'said' }, 'problem', /at 127\.0\.0\.1 does not say/, /X-Forwarded-For/],
  [{ visitors: 'as they say', scheme: 'said' }, 'problem', /is believed/, /\$remote_addr/],
  [{ from: '127.0.0.9' }, 'problem', /its word is not taken/, /trustedProxies: \[127\.0\.0\.9\]/],
  [{}, 'warning', /says nothing of the scheme/, /X-Forwarded-Proto to http/],
])('sees what the server takes visitors for behind %j', async (proxy, state, what, mend) => {
  const found = (await behind(proxy)).findings.filter(({ topic }) => topic === 'visitors');
  expect(found).toContainEqual(
    expect.objectContaining({ state, what: expect.stringMatching(what), mend: expect.stringMatching(mend) }),
  );
});

it('says that it did not look where it has not the token', async () => {
  const url = await startProxy({});
  for (const more of ['', 'monitoring: { metrics: { token: another-token-than-that } }\n']) {
    const { of } = await doctor(`server: { roles: [web], apiUrl: "${product.url}" }\n${more}`, '--url', url);
    expect(of('visitors')).toMatchObject({ state: 'warning', mend: expect.stringMatching(/token|configuration/) });
  }
});

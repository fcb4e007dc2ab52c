// Four processes, one role each, on one database, the api behind the web: a turn of the real Claude Code, a terminal and a file go
// through them, and F1: each role is killed in the middle of a turn and started again.

import { randomBytes } from 'node:crypto';
import { request as plainRequest } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { routes } from '@remote-claude/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { openDatabase } from '../support/database.js';
import { freePort } from '../support/free-port.js';
import { output } from '../support/inside.js';
import { canaryKey, configFor, startModel } from '../support/model.js';
import { setUpAdmin } from '../support/people.js';
import { startProduct, type Product } from '../support/product.js';
import { startProxy, type Proxy } from '../support/proxy.js';
import { openTerminal } from '../support/terminal.js';
import { until } from '../support/wait.js';
import {
  compare,
  countUntil,
  furnish,
  greet,
  linesOf,
  printLines,
  printRow,
  sumOf,
  tokens,
  upTo,
  type House,
} from './support.js';

const names = ['web', 'api', 'session-manager', 'gateway'] as const;
type Name = (typeof names)[number];

let keeper: Product;
/** Ways to the internal ports, which are other ones after each start. */
const ways: Proxy[] = [];
const roles = new Map<Name, Product>();
let house: House;

const role = (name: Name): Product => {
  const found = roles.get(name);
  if (found === undefined) throw new Error(`the ${name} was not started`);
  return found;
};
/** Where the process that was started last is asked by other roles. */
const internalUrl = (name: Name): string =>
  [
    ...role(name)
      .output()
      .matchAll(/^Other roles reach it at (\S+)$/gm),
  ].at(-1)?.[1] ?? '';

beforeAll(async () => {
  const model = await startModel([...names.map((name) => `the ${name}`), 'all'].map(countUntil).concat(greet));
  const key = randomBytes(32).toString('base64');
  // Runs the database, and nothing else: it is killed.
  keeper = await startProduct({ config: configFor(model, `security: { masterKey: "${key}" }\n`) });
  await keeper.kill();
  const apiPort = await freePort();
  const gateway = await startProxy({ to: () => internalUrl('gateway') });
  const manager = await startProxy({ to: () => internalUrl('session-manager') });
  ways.push(gateway, manager);
  const secure = (url: string): string => url.replace('http:', 'https:');
  const start = async (name: Name): Promise<void> => {
    const internal = `{ port: 0, gatewayUrl: "${secure(gateway.url)}", sessionManagerUrl: "${secure(manager.url)}" }`;
    // Page and API are one origin, that of the web.
    const way =
      name === 'web'
        ? `apiUrl: "http://127.0.0.1:${apiPort}"`
        : `publicUrl: "${role('web').url}", internal: ${internal}`;
    const own = `server: { roles: [${name}], ${way} }\n`;
    const shared = `security: { masterKey: "${key}" }\ndatabase: { url: "${keeper.databaseUrl}" }\n`;
    // The key is entered in the page; the page itself needs neither database nor key.
    const config = configFor(model, name === 'web' ? own : own + shared).replace(`  apiKey: ${canaryKey}\n`, '');
    roles.set(name, await startProduct({ config, port: name === 'api' ? apiPort : 0 }));
  };
  for (const name of ['web', 'gateway', 'session-manager', 'api'] as const) await start(name);
  const { setupUrl } = role('api');
  const site: Product = { ...role('api'), url: role('web').url, setupUrl };
  const ada = await setUpAdmin(site);
  await ada.client.call(routes.settings.putModel, { body: { use: 'key', apiKey: canaryKey, baseUrl: model.url } });
  house = await furnish(model, site, ada);
});
afterAll(async () => {
  house?.viewer.close();
  for (const name of names) await roles.get(name)?.close();
  await house?.model.close();
  for (const way of ways) await way.close();
  await keeper?.close();
});

const path = 'kept.txt';
const content = 'what a person saved\n'.repeat(50_000);

describe('roles in processes of their own', () => {
  it('each says which it plays, and how it and those that it needs are', async () => {
    for (const name of names) expect(role(name).output()).toContain(`This process plays: ${name}`);
    const well = { ready: true, degraded: false, reasons: [] };
    const readyz = async (name: Name): Promise<unknown> => (await fetch(`${role(name).url}/readyz`)).json();
    expect(await Promise.all(names.map(readyz))).toEqual([
      { ...well, roles: { web: true }, reaches: { api: true } },
      { ...well, roles: { api: true }, reaches: { gateway: true, 'session-manager': true } },
      { ...well, roles: { 'session-manager': true }, reaches: { gateway: true } },
      { ...well, roles: { gateway: true }, reaches: {} },
    ]);
    expect(await house.ada.client.call(routes.auth.about, {})).toMatchObject({ setupNeeded: false, problems: [] });
  });

  it('each answers what is its own, and nothing else', async () => {
    const get = async (name: Name, at: string): Promise<number> => (await fetch(role(name).url + at)).status;
    expect(await Promise.all(names.map((name) => get(name, '/api/about')))).toEqual([200, 200, 404, 404]);
    expect((await fetch(`${role('web').url}/`)).headers.get('content-type')).toContain('text/html');
    expect(await Promise.all((['api', 'session-manager', 'gateway'] as const).map((name) => get(name, '/')))).toEqual([
      404, 404, 404,
    ]);
  });

  it('nobody without a certificate of the site, or without TLS, is answered at an internal port', async () => {
    const answered = (begin: () => ReturnType<typeof tlsRequest>): Promise<unknown> =>
      new Promise((resolve) => {
        const outgoing = begin();
        outgoing.once('response', (answer) => resolve(answer.statusCode));
        outgoing.once('error', () => resolve('refused'));
        outgoing.end();
      });
    for (const name of ['gateway', 'session-manager'] as const) {
      const url = new URL('/health', internalUrl(name));
      expect(url.hostname).toBe('127.0.0.1');
      // Whatever it shows itself: what matters is that it lets nobody in.
      expect(await answered(() => tlsRequest(url, { rejectUnauthorized: false }))).toBe('refused');
      expect(await answered(() => plainRequest(`http://${url.host}/health`))).toBe('refused');
    }
  });

  it('the key that was entered in the page is sealed by the gateway, and found in no row', async () => {
    expect(await house.ada.client.call(routes.settings.getModel, {})).toMatchObject({
      source: 'page',
      keyHint: canaryKey.slice(-4),
    });
    expect(await house.ada.client.call(routes.settings.testModel, {})).toMatchObject({ ok: true });
    const database = await openDatabase(keeper);
    try {
      const dump = await database.dump();
      expect(dump).toContain('model.api-key');
      expect(dump).not.toContain(canaryKey);
      expect(dump).not.toContain(Buffer.from(canaryKey).toString('hex'));
    } finally {
      await database.close();
    }
    await expect(
      house.ada.client.call(routes.settings.putModel, { body: { use: 'key', apiKey: canaryKey, model: 'another' } }),
    ).rejects.toMatchObject({ code: 'unsupported_option' });
  });

  it('a turn, a terminal, a command and a file go through all of them', async () => {
    const { ada, sessionId, viewer, model } = house;
    model.control.release('all');
    const turnId = await house.say('Please count until all.');
    expect((await house.endOf(turnId)).outcome).toBe('completed');
    expect(house.tokensOf(turnId)).toEqual(upTo(tokens));
    const terminal = await openTerminal(viewer);
    terminal.type(`echo so''-far\r`);
    await terminal.until(/so-far/);
    const at = `/sessions/${sessionId}/files/${path}`;
    const saved = await ada.fetch(at, {
      method: 'PUT',
      headers: { 'if-none-match': '*', origin: role('web').url },
      body: content,
    });
    expect(saved.status).toBeLessThan(300);
    expect(await (await ada.fetch(at)).text()).toBe(content);
    expect(await output(ada, sessionId, `wc -c < ${path}`)).toBe(String(content.length));
    const usage = await ada.client.call(routes.sessions.get, { params: { id: sessionId } });
    expect(usage.status).toBe('running');
  });
});

describe('F1 of each role', () => {
  it.each(names)('kill -9 of the %s in mid-turn: the turn and the terminal go on, every number once', async (name) => {
    const { viewer, model, ada, sessionId } = house;
    const terminal = await openTerminal(viewer);
    terminal.type(printLines(400));
    await terminal.until(/line-000050/);
    const turnId = await house.say(`Please count until the ${name}.`);
    await house.untilStreamed(turnId, 30);
    const process = role(name);
    const killedAt = performance.now();
    await process.kill();
    model.control.release(`the ${name}`);
    await process.restart();
    const ended = await house.endOf(turnId, 120_000);
    const recoveryMs = performance.now() - killedAt;
    expect(ended.outcome).toBe('completed');
    await terminal.until(/all-there/);
    const chat = compare(house.tokensOf(turnId), upTo(tokens));
    const screen = compare(linesOf(terminal), upTo(400));
    printRow('F1', `kill -9 of the ${name} alone, in mid-stream`, sumOf(chat, screen), recoveryMs);
    const none = { lost: 0, twice: 0, wrong: 0 };
    expect({ chat, screen, gaps: viewer.gaps(), repeats: viewer.repeats() }).toEqual({
      chat: none,
      screen: none,
      gaps: [],
      repeats: [],
    });
    expect([terminal.gaps(), terminal.repeats()]).toEqual([[], []]);
    // Nothing is stuck.
    await until(async () => (await fetch(`${role('web').url}/`)).status === 200, { what: 'the page' });
    const answer = await ada.client.call(routes.claude.chat, {
      params: { id: sessionId },
      body: { message: 'And now?' },
    });
    expect(answer).toMatchObject({ outcome: 'completed', message: 'Hello.' });
    // A reader that is told to try again does.
    const file = await until(
      async () => {
        const read = await ada.fetch(`/sessions/${sessionId}/files/${path}`);
        return read.status === 503 ? null : read.text();
      },
      { what: 'the file' },
    );
    expect(file).toBe(content);
    await until(async () => (await fetch(`${role('api').url}/readyz`)).ok, { what: 'the api to be ready' });
  });

  it('while the gateway is away the page says so, what is stored is answered, and nobody waits for long', async () => {
    const { ada, sessionId } = house;
    await role('gateway').kill();
    const about = await ada.client.call(routes.auth.about, {});
    expect(about.problems.map(({ what }) => what).join()).toContain('The gateway does not answer');
    const readyz = await fetch(`${role('api').url}/readyz`);
    expect([readyz.status, await readyz.json()]).toEqual([
      200,
      {
        ready: true,
        degraded: true,
        roles: { api: true },
        reaches: { gateway: false, 'session-manager': true },
        reasons: ['The gateway does not answer.'],
      },
    ]);
    expect((await ada.client.call(routes.sessions.get, { params: { id: sessionId } })).name).toBe('Faults');
    await expect(ada.client.call(routes.settings.getModel, {})).rejects.toMatchObject({ code: 'unavailable' });
    expect((await ada.fetch(`/sessions/${sessionId}/files/${path}`)).status).toBe(503);
    await role('gateway').restart();
    await until(async () => (await ada.fetch(`/sessions/${sessionId}/files/${path}`)).ok, { what: 'the file again' });
  });
});

// The log in files, of the whole product: what a request leaves there, what it never leaves, and a folder that goes away.

import { readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { always, text, type ScriptedModel } from '@remote-claude/scripted-model';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { bearer, signInByCookie } from '../support/calls.js';
import { startSession } from '../support/inside.js';
import { canaryKey, configFor, startModel } from '../support/model.js';
import { setUpAdmin, type Person } from '../support/people.js';
import { startProduct, type Product } from '../support/product.js';
import { until } from '../support/wait.js';

let model: ScriptedModel;
let product: Product;
let ada: Person;

const config = `monitoring: { logging: { destinations: [file] }, metrics: { token: a-token-for-prometheus } }
server: { trustedProxies: ["127.0.0.2"] }
`;
beforeAll(async () => {
  model = await startModel([{ name: 'greet', when: always, answer: [text('Hello.')] }]);
  product = await startProduct({ config: configFor(model, config) });
  ada = await setUpAdmin(product);
});
afterAll(async () => {
  await product?.close();
  await model?.close();
});

type Line = Record<string, unknown>;
const folder = (): string => join(product.dataDir, 'logs');
const said = async (): Promise<string> => {
  const names = (await readdir(folder())).filter((name) => name.startsWith('remote-claude.'));
  return (await Promise.all(names.map((name) => readFile(join(folder(), name), 'utf8')))).join('');
};
const lines = async (): Promise<Line[]> =>
  (await said())
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Line);
const line = (what: string, fits: (line: Line) => boolean): Promise<Line> =>
  until(async () => (await lines()).find(fits), { what });

describe('a request', () => {
  it('is one line with its route, status, time, person and session, under the id that it was answered', async () => {
    const { id: sessionId, userId } = await startSession(ada, { name: 'Logged' });
    const answer = await ada.fetch(`/sessions/${sessionId}?search=nothing-to-keep`);
    const requestId = answer.headers.get('x-request-id');
    const found = await line('the line of the request', (one) => one['requestId'] === requestId);
    expect(found).toEqual({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      role: 'all',
      requestId,
      sessionId,
      method: 'GET',
      route: '/api/sessions/:id',
      status: 200,
      ms: expect.any(Number),
      userId,
      msg: 'request',
    });
  });

  it('has an id of ours where a stranger brings one, also where it is refused', async () => {
    const theirs = 'an-id-that-somebody-made-up';
    for (const path of ['/api/auth/user', '/api/nothing', '/healthz', '/metrics']) {
      const answer = await fetch(product.url + path, { headers: { 'x-request-id': theirs } });
      expect(answer.headers.get('x-request-id')).toMatch(/^[\da-f-]{36}$/);
    }
    const refused = await fetch(`${product.url}/api/auth/user`, { headers: { 'x-request-id': theirs } });
    const requestId = refused.headers.get('x-request-id');
    expect(((await refused.json()) as { error: { requestId: string } }).error.requestId).toBe(requestId);
    expect(await line('the refusal', (one) => one['requestId'] === requestId)).toMatchObject({ status: 401 });
    expect(await said()).not.toContain(theirs);
  });

  it('every line says the role, and what machines ask all the time is no line', async () => {
    await fetch(`${product.url}/readyz`);
    await ada.fetch('/auth/user');
    const all = await lines();
    expect(all.length).toBeGreaterThan(5);
    expect(all.filter((one) => one['role'] !== 'all' || typeof one['msg'] !== 'string')).toEqual([]);
    expect(all.filter((one) => /healthz|readyz|metrics/.test(String(one['route'])))).toEqual([]);
  });

  it('leaves no secret behind', async () => {
    const cookie = await signInByCookie(product, ada);
    await fetch(`${product.url}/api/auth/user?token=${ada.token}`, { headers: { cookie } });
    await fetch(`${product.url}/metrics`, { headers: bearer('a-token-for-prometheus') });
    const wrong = 'a wrong password that was typed';
    await fetch(`${product.url}/api/auth/login`, {
      method: 'POST',
      headers: { origin: product.url, 'content-type': 'application/json' },
      body: JSON.stringify({ email: ada.email, password: wrong }),
    });
    await line('the last of them', (one) => one['route'] === '/api/auth/login' && one['status'] === 401);
    const all = (await said()) + product.output();
    for (const secret of [
      ada.token,
      ada.password,
      wrong,
      cookie.split('=')[1] ?? '',
      canaryKey,
      'a-token-for-prometheus',
    ])
      expect(all).not.toContain(secret);
  });
});

describe('the file', () => {
  it('is read by the server’s own user alone, and the console is silent', async () => {
    const [name = ''] = (await readdir(folder())).filter((one) => one.startsWith('remote-claude.'));
    expect(name).toMatch(/^remote-claude\.\d{4}-\d\d-\d\d\.\d+\.log$/);
    expect((await stat(join(folder(), name))).mode & 0o777).toBe(0o600);
    expect(product.output()).not.toContain('"msg":"request"');
  });

  it('may go away with its folder: the server goes on, says so on the console, and writes again', async () => {
    const aside = `${folder()}.aside`;
    await rename(folder(), aside);
    await writeFile(folder(), 'no folder');
    await until(() => product.output().includes('the log file cannot be written'), { what: 'it to be said' });
    const answer = await ada.fetch('/auth/user');
    expect(answer.status).toBe(200);
    // What cannot be written there is said here.
    await until(() => product.output().includes(String(answer.headers.get('x-request-id'))), { what: 'the line' });
    await rm(folder());
    await until(() => product.output().includes('the log file is written again'), { what: 'it to be mended' });
    expect(product.output().split('the log file cannot be written')).toHaveLength(2);
    const again = await ada.fetch('/auth/user');
    await line('a line in the new file', (one) => one['requestId'] === again.headers.get('x-request-id'));
    await rm(aside, { recursive: true });
  });

  it('has the last words of a server that ends', async () => {
    const last = (await ada.fetch('/auth/user')).headers.get('x-request-id');
    expect(await product.stop()).toBe(0);
    expect((await lines()).some(({ requestId }) => requestId === last)).toBe(true);
  });
});

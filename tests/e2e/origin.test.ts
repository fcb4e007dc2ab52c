// Another page on the same machine, in the same browser as a person who is signed in: it may do nothing here.

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { routes, type SessionId } from '@remote-claude/contract';
import { always, text, type ScriptedModel } from '@remote-claude/scripted-model';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Page } from 'playwright-core';

import { signInByCookie } from '../support/calls.js';
import { startBrowser, useCookie, type TestBrowser, type Visit } from '../support/browser.js';
import { startSession } from '../support/inside.js';
import { configFor, startModel } from '../support/model.js';
import { setUpAdmin, type Person } from '../support/people.js';
import { startProduct, type Product } from '../support/product.js';
import { until } from '../support/wait.js';

let model: ScriptedModel;
let product: Product;
let browser: TestBrowser;
let visit: Visit;
let ada: Person;
let id: SessionId;
let foreign: Server;
let elsewhere: string;
let page: Page;
beforeAll(async () => {
  model = await startModel([{ name: 'greet', when: always, answer: [text('Hello.')] }]);
  product = await startProduct({ config: configFor(model) });
  ada = await setUpAdmin(product);
  ({ id } = await startSession(ada, { name: 'Mine' }));
  // The same host with another port: another origin, but the same site, so that SameSite keeps no cookie back.
  foreign = createServer((_request, answer) =>
    answer.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>Another page</title>'),
  );
  await new Promise<void>((resolve) => foreign.listen(0, '127.0.0.1', resolve));
  browser = await startBrowser();
  visit = await browser.visit();
  await useCookie(visit, product, await signInByCookie(product, ada));
  // The cookie is good: with it the product's own page works.
  await visit.page.goto(`${product.url}/`);
  await visit.page.locator('main').getByRole('link', { name: 'Mine' }).waitFor();
  page = await visit.context.newPage();
  elsewhere = `http://${new URL(product.url).hostname}:${(foreign.address() as AddressInfo).port}/`;
  await page.goto(elsewhere);
});

afterAll(async () => {
  await browser?.close();
  foreign?.closeAllConnections();
  await new Promise<void>((resolve) => (foreign === undefined ? resolve() : foreign.close(() => resolve())));
  await product?.close();
  await model?.close();
});

const sessionNames = async (): Promise<string[]> =>
  (await ada.client.call(routes.sessions.list, { query: {} })).items.map(({ name }) => name);

describe('a page of another origin on the same machine', () => {
  it('reads nothing', async () => {
    const read = await page.evaluate(
      (url) =>
        fetch(url, { credentials: 'include' }).then(
          async (answer) => answer.text(),
          (error: Error) => error.name,
        ),
      `${product.url}/api/sessions`,
    );
    expect(read).toBe('TypeError');
  });

  it.each([
    ['POST', 'text/plain'],
    ['POST', 'application/x-www-form-urlencoded'],
    ['POST', 'application/json'],
    ['PATCH', 'application/json'],
    ['DELETE', null],
  ])('changes nothing by %s with %s', async (method, type) => {
    const path = method === 'POST' ? '/api/sessions' : `/api/sessions/${id}`;
    // The browser sends a simple call without asking first, and hides the answer.
    const mode = method === 'POST' && type !== 'application/json' ? 'no-cors' : 'cors';
    const done = await page.evaluate(
      (call) =>
        fetch(call.url, {
          method: call.method,
          mode: call.mode,
          credentials: 'include',
          ...(call.type === null
            ? {}
            : { headers: { 'content-type': call.type }, body: JSON.stringify({ name: 'Stolen' }) }),
        }).then(
          (answer) => `${answer.type} ${answer.status}`,
          (error: Error) => error.name,
        ),
      { url: product.url + path, method, type, mode } as const,
    );
    expect(done).toBe('TypeError');
    expect(await sessionNames()).toEqual(['Mine']);
    expect((await ada.client.call(routes.sessions.get, { params: { id } })).wanted).toBe('running');
  });

  it('changes nothing by a form, though the browser sends the cookie along', async () => {
    const [answer] = await Promise.all([
      page.waitForResponse(
        (response) => response.request().method() === 'POST' && response.url().endsWith(`/sessions/${id}/stop`),
      ),
      page.evaluate((action) => {
        const form = Object.assign(document.createElement('form'), { method: 'POST', action, enctype: 'text/plain' });
        form.append(Object.assign(document.createElement('input'), { name: '{"a":"', value: '"}' }));
        document.body.append(form);
        form.submit();
      }, `${product.url}/api/sessions/${id}/stop`),
    ]);
    expect(answer.status()).toBe(403);
    expect((await answer.request().allHeaders())['cookie']).toContain('=');
    await page.waitForURL(/\/stop$/);
    await page.goto(elsewhere);
    expect(await ada.client.call(routes.sessions.get, { params: { id } })).toMatchObject({
      name: 'Mine',
      wanted: 'running',
      status: 'running',
    });
  });

  it('opens no socket', async () => {
    const errors: string[] = [];
    page.on('websocket', (socket) => socket.on('socketerror', (error) => errors.push(error)));
    for (const path of [
      `/api/sessions/${id}/ws`,
      `/api/sessions/${id}/claude`,
      `/api/sessions/${id}/terminal`,
      `/api/sessions/${id}/files`,
    ]) {
      const code = await page.evaluate(
        (url) =>
          new Promise<string>((resolve) => {
            const socket = new WebSocket(url, 'remote-claude.v1');
            socket.onopen = () => resolve('open');
            socket.onclose = (event) => resolve(`closed ${event.code}`);
          }),
        product.url.replace('http', 'ws') + path,
      );
      expect([path, code]).toEqual([path, 'closed 1006']);
    }
    await until(() => errors.length >= 4, { what: () => `four refusals; there are ${errors.join('; ')}` });
    expect(errors.every((error) => error.includes('403'))).toBe(true);
  });

  it('does not get the product into a frame', async () => {
    const framed = await page.evaluate(
      (url) =>
        new Promise<boolean>((resolve) => {
          const frame = document.createElement('iframe');
          frame.src = url;
          // A frame that is refused still loads an empty error page.
          frame.onload = () => resolve(frame.contentWindow?.length !== undefined);
          document.body.append(frame);
        }),
      `${product.url}/`,
    );
    expect(framed).toBe(true);
    expect(page.frames().some((frame) => frame !== page.mainFrame() && frame.url().startsWith(product.url))).toBe(
      false,
    );
  });
});

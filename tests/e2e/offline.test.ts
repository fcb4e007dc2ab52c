// A page without a line to the server: what is sent waits, survives a reload, can be taken back, and is sent once.

import { routes, type SessionId } from '@remote-claude/contract';
import { always, text, type ScriptedModel } from '@remote-claude/scripted-model';
import type { WebSocketRoute } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';

import {
  composer,
  inChat,
  startBrowser,
  transcript,
  untilStatus,
  useCookie,
  type TestBrowser,
  type Visit,
} from '../support/browser.js';
import { signInByCookie } from '../support/calls.js';
import { startSession } from '../support/inside.js';
import { configFor, startModel } from '../support/model.js';
import { setUpAdmin, type Person } from '../support/people.js';
import { startProduct, type Product } from '../support/product.js';

let model: ScriptedModel;
let product: Product;
let browser: TestBrowser;
let visit: Visit;
let ada: Person;
let id: SessionId;

beforeAll(async () => {
  model = await startModel([{ name: 'greet', when: always, answer: [text('Hello to you.')] }]);
  product = await startProduct({ config: configFor(model) });
  ada = await setUpAdmin(product);
  ({ id } = await startSession(ada, { name: 'On a train' }));
  browser = await startBrowser();
  visit = await browser.visit();
  await useCookie(visit, product, await signInByCookie(product, ada));
});

afterAll(async () => {
  await browser?.close();
  await product?.close();
  await model?.close();
});

/** The session's own line, which can be cut while pages are still served. */
const cuttable = async ({ page }: Visit) => {
  let isCut = false;
  const open = new Set<WebSocketRoute>();
  await page.routeWebSocket(/\/sessions\/[^/]+\/ws$/, async (line) => {
    if (isCut) return line.close({ code: 1013, reason: 'cut by the test' });
    open.add(line);
    line.connectToServer();
  });
  return {
    async cut() {
      isCut = true;
      await Promise.all([...open].map((line) => line.close({ code: 1013, reason: 'cut by the test' })));
      open.clear();
    },
    mend: () => void (isCut = false),
  };
};
const eventsOf = async (type: string): Promise<unknown[]> => {
  const { items } = await ada.client.call(routes.claude.history, { params: { id }, query: { limit: 500 } });
  return items.filter(({ event }) => event.type === type);
};

it('keeps what is sent without a line over a reload, and sends it once', async () => {
  const { page } = visit;
  const line = await cuttable(visit);
  await page.goto(`${product.url}/sessions/${id}`);
  // Before the log is there, what is sent waits in the queue instead.
  await page.getByText('What shall Claude do?').waitFor();
  await line.cut();
  await page.getByText('Connection lost.').waitFor();
  for (const message of ['Please say hello.', 'On second thoughts, do not.']) {
    await composer(page).fill(message);
    await composer(page).press('Enter');
  }
  await page.getByText('Sends when connected').nth(1).waitFor();
  await page.getByRole('button', { name: 'Take back' }).last().click();
  await inChat(page, 'On second thoughts').waitFor({ state: 'detached' });

  await page.reload();
  const waiting = page.getByRole('region', { name: 'Queue' }).getByRole('listitem');
  await waiting.getByText('Sends when connected').waitFor();
  expect(await waiting.count()).toBe(1);
  expect(await waiting.innerText()).toContain('Please say hello.');
  await page.getByText('Connection lost.').waitFor();
  expect(await eventsOf('message.user')).toEqual([]);

  line.mend();
  // It may come back by itself before the hand is there.
  await page
    .getByRole('button', { name: 'Try now' })
    .click({ timeout: 5_000 })
    .catch(() => undefined);
  await inChat(page, 'Hello to you.').waitFor();
  await untilStatus(page, 'idle');
  await page.getByText('Connection lost.').waitFor({ state: 'detached' });
  const rows = await transcript(page);
  expect(rows.filter((row) => row.includes('Please say hello.'))).toHaveLength(1);
  expect(rows.join('\n')).not.toContain('second thoughts');
  expect(await eventsOf('message.user')).toHaveLength(1);
  expect(await eventsOf('turn.started')).toHaveLength(1);
  expect(await page.evaluate(() => Object.keys(localStorage).filter((key) => key.includes('outbox')))).toEqual([]);
  await page.reload();
  await inChat(page, 'Hello to you.').waitFor();
  expect(await eventsOf('message.user')).toHaveLength(1);
  expect(model.unexpected()).toEqual([]);
});

it('says on the list of sessions too that the server is away, and that it is back', async () => {
  const { page } = visit;
  await page.goto(`${product.url}/`);
  await page.getByRole('link', { name: 'On a train' }).first().waitFor();
  const words = page.getByRole('status').filter({ hasText: /\S/ });
  await product.kill();
  await page.getByText('Connection lost.').waitFor();
  await page.getByText(/Trying again in \d+ s\./).waitFor();
  expect(await words.count()).toBe(1);
  await product.restart();
  await page.getByText('Connected again.').waitFor();
  await page.getByText('Connected again.').waitFor({ state: 'detached' });
  expect(await words.count()).toBe(0);
  visit.takeTrouble();
});

it('says of a stopped and of a terminated session why nothing runs, and what to do', async () => {
  const { page } = visit;
  const params = { id };
  await ada.client.call(routes.sessions.stop, { params });
  await page.goto(`${product.url}/sessions/${id}`);
  await untilStatus(page, 'stopped');
  const stopped = page.getByRole('region', { name: 'Stopped' });
  await stopped.getByText(/Files and history are kept/).waitFor();
  await stopped.getByRole('button', { name: 'Resume' }).waitFor();
  await ada.client.call(routes.sessions.remove, { params });
  await untilStatus(page, 'terminated');
  const terminated = page.getByRole('region', { name: 'Terminated' });
  await terminated.getByText(/cannot be resumed/).waitFor();
  await terminated.getByRole('button', { name: 'New session' }).click();
  await page.getByRole('dialog', { name: 'New session' }).waitFor();
  // Also where none is left but terminated ones, the list leads to them.
  await page.goto(`${product.url}/`);
  await page.locator('main').getByText('No sessions yet').waitFor();
  await page.getByRole('button', { name: 'Show terminated' }).click();
  await page.locator('main').getByRole('link', { name: 'On a train' }).waitFor();
  expect(visit.takeTrouble()).toEqual([]);
});

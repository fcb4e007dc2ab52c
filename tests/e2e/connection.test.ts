// A server that is gone in mid-turn, seen from an open page: it says so, keeps what is typed, and loses nothing.

import { routes, type SessionId } from '@remote-claude/contract';
import { always, gate, numbered, text, userSays, type ScriptedModel } from '@remote-claude/scripted-model';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { signInByCookie } from '../support/calls.js';
import {
  composer,
  inChat,
  startBrowser,
  tokensIn,
  tokensTo,
  transcript,
  untilStatus,
  useCookie,
  type TestBrowser,
  type Visit,
} from '../support/browser.js';
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
  model = await startModel([
    {
      name: 'count',
      when: userSays('count'),
      answer: [numbered(40, { delayMs: 5 }), gate('middle'), numbered(40, { from: 41, delayMs: 5 })],
    },
    { name: 'greet', when: always, answer: [text('Hello to you.')] },
  ]);
  product = await startProduct({ config: configFor(model) });
  ada = await setUpAdmin(product);
  ({ id } = await startSession(ada, { name: 'A long line' }));
  browser = await startBrowser();
  visit = await browser.visit();
  await useCookie(visit, product, await signInByCookie(product, ada));
});

afterAll(async () => {
  await browser?.close();
  await product?.close();
  await model?.close();
});

it('says that the server is gone, then that nothing was lost, and sends what was typed once', async () => {
  const { page } = visit;
  await page.goto(`${product.url}/sessions/${id}`);
  await untilStatus(page, 'idle');
  await composer(page).fill('Please count.');
  await composer(page).press('Enter');
  await model.control.untilWaiting('middle');
  await inChat(page, /token-0040/).waitFor();
  const words = page.getByRole('status').filter({ hasText: /\S/ });
  expect(await words.allInnerTexts()).toEqual([]);
  expect(visit.takeTrouble()).toEqual([]);

  await product.kill();
  const gone = performance.now();
  await page.getByText('Connection lost.').waitFor();
  // A second or two; the rest is for a machine that is shared.
  expect(performance.now() - gone).toBeLessThan(5_000);
  expect(await words.count()).toBe(1);
  expect(tokensIn(await transcript(page))).toEqual(tokensTo(40));
  await composer(page).fill('Then say hello.');
  await composer(page).press('Enter');
  await composer(page).fill('An unsent thought');
  await page.getByText('Then say hello.').first().waitFor();

  model.control.release('middle');
  await product.restart();
  await page.getByText('Caught up, nothing lost.').waitFor();
  await inChat(page, 'Hello to you.').waitFor();
  await untilStatus(page, 'idle');
  await page.getByText('Caught up, nothing lost.').waitFor({ state: 'detached' });
  expect(await words.allInnerTexts()).toEqual([]);

  const rows = await transcript(page);
  expect(tokensIn(rows)).toEqual(tokensTo(80));
  expect(rows.filter((row) => row.includes('Then say hello.'))).toHaveLength(1);
  expect(rows.filter((row) => row.includes('Hello to you.'))).toHaveLength(1);
  expect(await composer(page).inputValue()).toBe('An unsent thought');
  const { items } = await ada.client.call(routes.claude.history, { params: { id }, query: { limit: 500 } });
  expect(items.filter(({ event }) => event.type === 'message.user')).toHaveLength(2);
  expect(items.map(({ seq }) => seq)).toEqual(items.map((_, index) => index + 1));

  // The page drew what the server has: a fresh load shows the same.
  visit.takeTrouble();
  await page.reload();
  await inChat(page, 'Hello to you.').waitFor();
  expect(await transcript(page)).toEqual(rows);
  expect(visit.takeTrouble()).toEqual([]);
  expect(model.unexpected()).toEqual([]);
});

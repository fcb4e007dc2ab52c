// What waits in all of a person's sessions, answered in one place: a hand that clicks twice answers once.

import { routes, type SessionId } from '@remote-claude/contract';
import { always, text, toolUse, userSays, type ScriptedModel } from '@remote-claude/scripted-model';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { startBrowser, useCookie, type TestBrowser, type Visit } from '../support/browser.js';
import { signInByCookie } from '../support/calls.js';
import { startSession } from '../support/inside.js';
import { configFor, startModel } from '../support/model.js';
import { setUpAdmin, type Person } from '../support/people.js';
import { startProduct, type Product } from '../support/product.js';
import { until } from '../support/wait.js';

let model: ScriptedModel;
let product: Product;
let browser: TestBrowser;
let ada: Person;
let visit: Visit;
const ids: SessionId[] = [];

beforeAll(async () => {
  model = await startModel([
    { name: 'touch', when: userSays('Touch'), answer: [toolUse('Bash', { command: 'touch made.txt' })] },
    { name: 'remove', when: userSays('Remove'), answer: [toolUse('Bash', { command: 'rm -rf other.txt' })] },
    { name: 'done', when: always, answer: [text('Done.')] },
  ]);
  product = await startProduct({ config: configFor(model) });
  browser = await startBrowser();
  ada = await setUpAdmin(product);
  // The questions come one after the other, so that their order is known.
  for (const [name, message] of [
    ['The first', 'Touch it.'],
    ['The second', 'Remove it.'],
    ['The third', 'Remove it.'],
  ] as const) {
    const { id } = await startSession(ada, { name });
    ids.push(id);
    await ada.client.call(routes.claude.chat, { params: { id }, body: { message, wait: false } });
    await until(async () => (await openIn(id)) === 1, { what: `the question of ${name}`, timeoutMs: 90_000 });
  }
  visit = await browser.visit();
  await useCookie(visit, product, await signInByCookie(product, ada));
});

afterAll(async () => {
  await browser?.close();
  await product?.close();
  await model?.close();
});

const openIn = async (id: SessionId): Promise<number> =>
  (await ada.client.call(routes.claude.approvals, { params: { id } })).items.length;

it('answers with a double click what was clicked, and nothing that takes its place', async () => {
  const { page } = visit;
  await page.goto(`${product.url}/`);
  await page.getByTestId('inbox-count').getByText('3').waitFor();
  await page.getByRole('button', { name: '3 wait for you' }).click();
  const entries = page.getByRole('dialog', { name: 'Waiting for you' }).getByTestId('inbox-entry');
  // The oldest is open; its head says whose it is and how old, and its card what is asked.
  await entries.first().getByRole('button', { name: 'The first' }).waitFor();
  await entries.first().getByRole('button', { name: 'Allow once' }).dblclick();
  await until(async () => (await entries.count()) === 2, { what: 'the first entry to go', timeoutMs: 30_000 });
  expect(await Promise.all(ids.map(openIn))).toEqual([0, 1, 1]);
  // None opens by itself: its buttons would lie where the hand is.
  expect(await entries.getByRole('button', { name: 'Allow once' }).count()).toBe(0);
  expect(visit.takeTrouble()).toEqual([]);
});

it('answers with a rule what else waits under it', async () => {
  const { page } = visit;
  const entries = page.getByTestId('inbox-entry');
  await entries.first().getByRole('button', { expanded: false }).click();
  await entries.first().getByRole('button', { name: 'Always allow' }).click();
  await page.getByText('Nothing waits for you').first().waitFor();
  await until(async () => (await Promise.all(ids.map(openIn))).every((open) => open === 0), {
    what: 'both questions to be answered',
  });
  await page.goto(`${product.url}/settings/`);
  await page.locator('code').getByText('rm -rf other.txt').waitFor();
  await page.goto(`${product.url}/sessions/${ids[2]}/`);
  await page.getByTestId('turn-end').first().waitFor();
  expect(visit.takeTrouble()).toEqual([]);
  expect(model.unexpected()).toEqual([]);
});

// A session for which there is no place, as people see it: on a desk and on a phone, in the list and on its page; it is written
// to, leaves the line and comes back, and starts before their eyes.

import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { AxeBuilder } from '@axe-core/playwright';
import { routes, type SessionId } from '@remote-claude/contract';
import { always, text } from '@remote-claude/scripted-model';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { composer, desktop, inChat, phone, untilStatus, type Visit } from '../support/browser.js';
import { startSession } from '../support/inside.js';
import { openPageSite, type PageSite } from '../support/page-site.js';
import type { Person } from '../support/people.js';
import type { Product } from '../support/product.js';

let site: PageSite;
let product: Product;
let bob: Person;
let taken: SessionId;

const pictures = join(tmpdir(), 'remote-claude-look');

beforeAll(async () => {
  site = await openPageSite(
    [{ name: 'greet', when: always, answer: [text('Hello to you.')] }],
    'compute: { capacity: 1 }',
  );
  ({ product, bob } = site);
  ({ id: taken } = await startSession(bob, { name: 'In the way' }));
});
afterAll(() => site?.close());

const faultsOf = async ({ page }: Visit): Promise<string[]> => {
  const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze();
  const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  const wider = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  return [...serious.map(({ id }) => id), ...(wider > 0 ? [`${wider} px too wide`] : [])];
};

it('is seen waiting on desk and phone, with its place in line, and answers what was said when its turn came', async () => {
  const desk = await site.visitOf(bob, desktop);
  const hand = await site.visitOf(bob, phone);
  await desk.page.goto(product.url);
  await desk.page.getByRole('button', { name: 'New session' }).first().click();
  await desk.page.getByRole('dialog').getByLabel('Name').fill('Waiting work');
  await desk.page.getByRole('combobox', { name: 'Size' }).click();
  await desk.page.screenshot({ path: `${pictures}/sizes-desk.png` });
  await desk.page.getByRole('option', { name: 'Large' }).click();
  await desk.page.getByRole('button', { name: 'Create session' }).click();
  await untilStatus(desk.page, 'queued');
  const { items } = await bob.client.call(routes.sessions.list, { query: { limit: 10 } });
  expect(Object.fromEntries(items.map(({ name, resources }) => [name, resources]))).toEqual({
    'In the way': { cpus: 2, memoryMb: 4096 },
    'Waiting work': { cpus: 4, memoryMb: 8192 },
  });
  const card = desk.page.getByTestId('start-checklist');
  await card.getByText('1st in line: 1 of 1 place is taken.').waitFor();
  await composer(desk.page).fill('Say hello.');
  await composer(desk.page).press('Enter');
  await inChat(desk.page, 'Say hello.').waitFor();
  await desk.page.screenshot({ path: `${pictures}/queued-desk.png` });

  await hand.page.goto(product.url);
  await hand.page.getByText('1st in line: 1 of 1 place is taken.').first().waitFor();
  await hand.page.screenshot({ path: `${pictures}/queued-list-phone.png` });
  await hand.page.getByRole('link', { name: 'Waiting work' }).first().click();
  await hand.page.getByTestId('start-checklist').getByText('1st in line: 1 of 1 place is taken.').waitFor();
  await inChat(hand.page, 'Say hello.').waitFor();
  await hand.page.screenshot({ path: `${pictures}/queued-phone.png` });
  for (const visit of [desk, hand]) {
    expect(await faultsOf(visit)).toEqual([]);
    expect(visit.takeTrouble()).toEqual([]);
  }

  await hand.page.getByRole('button', { name: 'Leave the line' }).click();
  await untilStatus(desk.page, 'stopped');
  await hand.page.getByRole('button', { name: 'Resume' }).first().click();
  await untilStatus(desk.page, 'queued');
  await bob.client.call(routes.sessions.stop, { params: { id: taken } });
  await inChat(hand.page, 'Hello to you.').waitFor({ timeout: 120_000 });
  await untilStatus(desk.page, 'idle');
  await desk.close();
  await hand.close();
}, 300_000);

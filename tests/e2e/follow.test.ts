// The chat on a small phone follows its end, comes to rest there, and lets go of it when a person scrolls up.

import { routes, type SessionId } from '@remote-claude/contract';
import { always, text, userSays, type ScriptedModel } from '@remote-claude/scripted-model';
import type { Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { composer, inChat, phone, startBrowser, untilStatus, useCookie, type TestBrowser } from '../support/browser.js';
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
let id: SessionId;
let page: Page;

const paragraphs = (word: string): string =>
  Array.from(
    { length: 40 },
    (_, index) => `${index + 1}. **${word}** and some words that need more than a line on a phone, \`code\` too.`,
  ).join('\n\n');

beforeAll(async () => {
  model = await startModel([
    { name: 'first', when: userSays('first'), answer: [text(`${paragraphs('first')}\n\nfirst-end`, { delayMs: 2 })] },
    {
      name: 'second',
      when: userSays('second'),
      answer: [text(`${paragraphs('second')}\n\nsecond-end`, { delayMs: 2 })],
    },
    { name: 'third', when: userSays('third'), answer: [text(`${paragraphs('third')}\n\nthird-end`, { delayMs: 2 })] },
    { name: 'other', when: always, answer: [text('All right.')] },
  ]);
  product = await startProduct({ config: configFor(model) });
  browser = await startBrowser();
  ada = await setUpAdmin(product);
  ({ id } = await startSession(ada, { name: 'A long answer' }));
  const visit = await browser.visit({ ...phone, width: 360, height: 780 });
  ({ page } = visit);
  await useCookie(visit, product, await signInByCookie(product, ada));
  await page.goto(`${product.url}/sessions/${id}/`);
  await untilStatus(page, 'idle');
});

afterAll(async () => {
  await browser?.close();
  await product?.close();
  await model?.close();
});

const list = (): Locator => page.getByRole('log', { name: 'Conversation' });
const ends = (count: number): Promise<unknown> =>
  until(async () => (await turnsEnded()) === count, { what: `${count} turns to end`, timeoutMs: 90_000 });
const turnsEnded = async (): Promise<number> => {
  const { items } = await ada.client.call(routes.claude.history, { params: { id }, query: { limit: 500 } });
  return items.filter(({ event }) => event.type === 'turn.ended').length;
};

/** What the list does in a second, frame by frame, as soon as it has stood still at its end for a moment. */
const watch = (): Promise<{ gap: number; positions: string[] }> =>
  list().evaluate(async (element) => {
    const frame = (): Promise<number> => new Promise((resolve) => requestAnimationFrame(resolve));
    const now = (): string => `${Math.round(element.scrollTop)} of ${element.scrollHeight}`;
    // The last items are measured once; a loop never comes to these frames in a row.
    const patience = performance.now() + 20_000;
    for (let [still, last] = [0, now()]; still < 12 && performance.now() < patience; last = now()) {
      await frame();
      still = last === now() ? still + 1 : 0;
    }
    const positions = new Set<string>();
    for (const end = performance.now() + 1_000; performance.now() < end; await frame()) positions.add(now());
    return {
      gap: Math.round(element.scrollHeight - element.scrollTop - element.clientHeight),
      positions: [...positions],
    };
  });

it('comes to rest at the end of an answer that is taller than the view', async () => {
  await composer(page).click();
  await page.keyboard.type('The first, please.');
  await page.getByRole('button', { name: 'Send' }).click();
  await ends(1);
  await inChat(page, 'first-end').waitFor();
  await page.getByTestId('turn-end').last().waitFor();
  const { gap, positions } = await watch();
  expect(positions).toEqual([positions[0]]);
  expect(Math.abs(gap)).toBeLessThanOrEqual(1);
  expect(await list().evaluate((element) => element.scrollHeight > 2 * element.clientHeight)).toBe(true);
});

it('does so after a reload, too', async () => {
  await page.reload();
  await inChat(page, 'first-end').waitFor();
  const { gap, positions } = await watch();
  expect(positions).toEqual([positions[0]]);
  expect(Math.abs(gap)).toBeLessThanOrEqual(1);
});

it('stays where a person scrolled to while more comes, and goes to the end when asked to', async () => {
  const anchor = await list().evaluateHandle(async (element) => {
    const frame = (): Promise<number> => new Promise((resolve) => requestAnimationFrame(resolve));
    for (let step = 0; step < 10; step += 1) {
      element.dispatchEvent(new WheelEvent('wheel', { deltaY: -80 }));
      element.scrollTop -= 80;
      await frame();
    }
    const { top } = element.getBoundingClientRect();
    const seen = [...element.querySelectorAll('li')].find((item) => item.getBoundingClientRect().top > top + 40);
    return { seen, at: seen?.getBoundingClientRect().top };
  });
  const placeOf = (): Promise<number | undefined> =>
    anchor.evaluate(({ seen }) => (seen?.isConnected === true ? seen.getBoundingClientRect().top : undefined));
  const before = await placeOf();
  expect(before).toBeTypeOf('number');
  await ada.client.call(routes.claude.chat, { params: { id }, body: { message: 'The second, please.' } });
  await ends(2);
  const button = page.getByRole('button', { name: 'To the end' });
  await button.waitFor();
  expect(Math.abs(((await placeOf()) ?? NaN) - (before ?? NaN))).toBeLessThanOrEqual(2);
  await button.click();
  await inChat(page, 'second-end').waitFor();
  const { gap, positions } = await watch();
  expect(positions).toEqual([positions[0]]);
  expect(Math.abs(gap)).toBeLessThanOrEqual(1);
  // Back at the end it follows again.
  await ada.client.call(routes.claude.chat, { params: { id }, body: { message: 'The third, please.' } });
  await ends(3);
  await inChat(page, 'third-end').waitFor();
  expect(Math.abs((await watch()).gap)).toBeLessThanOrEqual(1);
});

// The first run without a key: the demo model, with which the real Claude Code really writes, runs and mends a program.

import { afterAll, beforeAll, expect, it } from 'vitest';
import { routes } from '@remote-claude/contract';

import { composer, startBrowser, transcript, type TestBrowser, type Visit } from '../support/browser.js';
import { output } from '../support/inside.js';
import { signIn } from '../support/people.js';
import { startProduct, type Product } from '../support/product.js';
import { until } from '../support/wait.js';

let product: Product;
let browser: TestBrowser;
let visit: Visit;

beforeAll(async () => {
  product = await startProduct({ config: 'timing: { reconcile: 1s }' });
  browser = await startBrowser();
  visit = await browser.visit();
});

afterAll(async () => {
  await browser?.close();
  await product?.close();
});

it('shows what the product does without a key, and says that it is a demo', async () => {
  const { page } = visit;
  const ada = { email: 'ada@example.org', password: 'a password for Ada' };
  await page.goto(product.setupUrl ?? '');
  await page.getByLabel('Name').fill('Ada');
  await page.getByLabel('E-mail').fill(ada.email);
  await page.getByLabel('Password').fill(ada.password);
  await page.getByRole('button', { name: 'Create the admin account' }).click();
  await page.getByText('No key is set, so Claude cannot answer yet.').waitFor();
  // Who leaves in the middle is told what is missing, and goes on from there.
  await page.goto(product.url);
  expect(await page.getByRole('link', { name: 'Connect a model' }).getAttribute('href')).toMatch(/^\/settings/);
  await page.goto(`${product.url}/setup`);
  await page.getByRole('button', { name: 'Try it with the demo model' }).click();
  await page.getByRole('button', { name: /^A small program/ }).click();

  await composer(page).waitFor();
  expect(await composer(page).inputValue()).toContain('small command-line program');
  // Clicking waits until one may write.
  await composer(page).click();
  await page.keyboard.press('Enter');
  const asked: string[] = [];
  const card = page.getByTestId('approval');
  await until(
    async () => {
      if ((await page.getByTestId('turn-end').count()) > 0) return true;
      const allow = card.getByRole('button', { name: 'Allow once' });
      if (!(await allow.isEnabled({ timeout: 500 }))) return false;
      const tool = await card.getAttribute('data-tool');
      await allow.click({ timeout: 2_000 });
      asked.push(tool ?? '');
      await until(
        async () => (await card.count()) === 0 || (await allow.isEnabled({ timeout: 200 }).catch(() => true)),
        { what: 'the answer to be taken' },
      );
      return false;
    },
    { what: () => `the turn to end; asked were ${asked.join(', ')}`, timeoutMs: 150_000 },
  );
  expect(asked).toEqual(['Write', 'Bash', 'Edit', 'Bash']);
  expect((await transcript(page)).join('\n')).toContain('The program works.');

  const person = await signIn(product, ada.email, ada.password);
  const [session] = (await person.client.call(routes.sessions.list, { query: {} })).items;
  expect(await output(person, session?.id as never, 'node primes.mjs')).toContain('all 10 are right');

  for (const path of [`/sessions/${session?.id}`, '/', '/settings', '/people', '/about', '/sign-in']) {
    await page.goto(product.url + path);
    await page.getByText('Demo model.').waitFor();
  }
  expect(visit.takeTrouble()).toEqual([]);
});

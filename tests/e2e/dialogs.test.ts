// Where the focus is when a dialog opens and after it closed, and that one Escape is enough. No model is needed.

import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Locator, Page } from 'playwright-core';

import { composer, phone, startBrowser, untilStatus, useCookie, type TestBrowser } from '../support/browser.js';
import { signInByCookie } from '../support/calls.js';
import { startSession } from '../support/inside.js';
import { setUpAdmin, type Person } from '../support/people.js';
import { startProduct, type Product } from '../support/product.js';
import { until } from '../support/wait.js';

let product: Product;
let browser: TestBrowser;
let ada: Person;
let path: string;

beforeAll(async () => {
  product = await startProduct({ config: '' });
  browser = await startBrowser();
  ada = await setUpAdmin(product);
  const { id } = await startSession(ada, { name: 'Dialogs' });
  path = `/sessions/${id}/`;
});

afterAll(async () => {
  await browser?.close();
  await product?.close();
});

const open = async (look?: Parameters<TestBrowser['visit']>[0]): Promise<Page> => {
  const visit = await browser.visit(look);
  await useCookie(visit, product, await signInByCookie(product, ada));
  await visit.page.goto(product.url + path);
  await untilStatus(visit.page, 'idle');
  // Clicking waits until one may write: what is disabled takes no focus.
  await composer(visit.page).click();
  return visit.page;
};

const expectFocus = (wanted: Locator, what: string): Promise<unknown> => {
  let seen = '';
  return until(
    async () => {
      seen = await wanted.page().evaluate(() => document.activeElement?.outerHTML.slice(0, 200) ?? 'nothing');
      return wanted.evaluate((element) => element === document.activeElement);
    },
    { what: () => `the focus on ${what}; it is on ${seen}`, timeoutMs: 20_000 },
  );
};

/** One Escape: the dialog goes, and the focus is where it came from. */
const leave = async (page: Page, dialog: Locator, back: Locator, what: string): Promise<void> => {
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  await expectFocus(back, what);
};

it('a dialog takes the focus to what it is about, and gives it back', async () => {
  const page = await open();
  const create = page.getByRole('button', { name: 'New session' }).first();
  await create.focus();
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog', { name: 'New session' });
  await expectFocus(dialog.getByLabel('Name'), 'the name');
  await leave(page, dialog, create, 'the button');

  // By the pointer, and closed by the button: no tip of it is in the way.
  await create.click();
  await dialog.getByRole('button', { name: 'Close' }).hover();
  await leave(page, dialog, create, 'the button, with the pointer over ×');

  // By a key, out of the composer; the dialog itself is what is read out first.
  await composer(page).focus();
  await page.keyboard.press('Alt+i');
  const inbox = page.getByRole('dialog', { name: 'Waiting for you' });
  await expectFocus(inbox, 'the inbox');
  await leave(page, inbox, composer(page), 'the composer');
});

it('out of a menu, the focus goes back to the button of the menu', async () => {
  const page = await open();
  const menu = page.locator('main header').getByRole('button', { name: 'Actions for Dialogs' });
  await menu.focus();
  await page.keyboard.press('Enter');
  await page.getByRole('menuitem', { name: 'Rename…' }).press('Enter');
  const rename = page.getByRole('dialog', { name: 'Rename session' });
  await expectFocus(rename.getByLabel('Name'), 'the name');
  await leave(page, rename, menu, 'the menu’s button');

  await page.keyboard.press('Enter');
  await page.getByRole('menuitem', { name: 'Terminate…' }).press('Enter');
  const confirm = page.getByRole('alertdialog');
  await expectFocus(confirm.getByRole('button', { name: 'Cancel' }), 'Cancel');
  await page.keyboard.press('Enter');
  await confirm.waitFor({ state: 'detached' });
  await expectFocus(menu, 'the menu’s button');
});

it('a dialog that another one opened goes back to before both', async () => {
  const page = await open();
  await composer(page).focus();
  await page.keyboard.press('Control+k');
  const palette = page.getByRole('dialog', { name: 'Search and commands' });
  await expectFocus(palette.getByPlaceholder('Find a session or a command'), 'the search');
  await leave(page, palette, composer(page), 'the composer');

  await page.keyboard.press('Control+k');
  await page.keyboard.type('Keyboard shortcuts');
  await page.keyboard.press('Enter');
  const shortcuts = page.getByRole('dialog', { name: 'Keyboard shortcuts' });
  await expectFocus(shortcuts, 'the shortcuts');
  await leave(page, shortcuts, composer(page), 'the composer');
});

it('a sheet on a phone gives the focus back, and what it opens does too', async () => {
  const page = await open(phone);
  const sessions = page.getByRole('navigation', { name: 'Views' }).getByRole('button', { name: 'Sessions' });
  await sessions.focus();
  await page.keyboard.press('Enter');
  const sheet = page.getByRole('dialog', { name: 'Sessions' });
  await expectFocus(sheet, 'the sheet');
  await leave(page, sheet, sessions, 'the bar');

  const bell = page.getByRole('button', { name: 'Nothing waits for you' });
  await bell.focus();
  await page.keyboard.press('Enter');
  const inbox = page.getByRole('dialog', { name: 'Waiting for you' });
  await inbox.getByRole('button', { name: 'Close' }).press('Enter');
  await inbox.waitFor({ state: 'detached' });
  await expectFocus(bell, 'the bell');
  expect(await page.evaluate(() => document.activeElement?.tagName)).toBe('BUTTON');
});

// A session that two people share: invited in the page; a question that outlives everything that ran when it was asked, answered on
// the other person's phone; a terminal that is handed over in sight of both.

import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { routes, type SessionId } from '@remote-claude/contract';
import { afterTool, always, text, toolUse, userSays } from '@remote-claude/scripted-model';
import { afterAll, beforeAll, expect, it } from 'vitest';

import {
  approvalOf,
  composer,
  desktop,
  inChat,
  phone,
  untilScreen,
  untilStatus,
  type Visit,
} from '../support/browser.js';
import { output, startSession } from '../support/inside.js';
import { openPageSite, type PageSite } from '../support/page-site.js';
import type { Person } from '../support/people.js';
import type { Product } from '../support/product.js';

let site: PageSite;
let product: Product;
let ada: Person;
let bob: Person;
let id: SessionId;

const pictures = join(tmpdir(), 'remote-claude-look');
const command = "node -e \"fs.appendFileSync('/workspace/ran', 'once\\n')\"";

beforeAll(async () => {
  site = await openPageSite([
    { name: 'run', when: userSays('run it'), answer: [toolUse('Bash', { command })] },
    { name: 'repeat', when: userSays('Make this call again now'), answer: [toolUse('Bash', { command })] },
    { name: 'ran', when: afterTool('Bash'), answer: [text('It ran.')] },
    { name: 'greet', when: always, answer: [text('Hello to you.')] },
  ]);
  ({ product, ada, bob } = site);
  ({ id } = await startSession(ada, { name: 'Shared work' }));
});

afterAll(() => site?.close());

it('is shared by its owner, and a question that outlives all is answered on the other’s phone', async () => {
  const mine = await site.visitOf(ada, desktop);
  await mine.page.goto(`${product.url}/sessions/${id}`);
  await untilStatus(mine.page, 'idle');
  await mine.page.locator('main header').getByRole('button', { name: 'Actions for Shared work' }).click();
  await mine.page.getByRole('menuitem', { name: 'Share…' }).click();
  const dialog = mine.page.getByRole('dialog', { name: 'People in “Shared work”' });
  await dialog.getByLabel('E-mail of a person').fill('nobody@example.org');
  await dialog.getByRole('button', { name: 'Share' }).click();
  await dialog.getByRole('alert').filter({ hasText: 'Nobody with an account here' }).waitFor();
  mine.takeTrouble();
  await dialog.getByLabel('E-mail of a person').fill(bob.email);
  await dialog.getByRole('button', { name: 'Share' }).click();
  await dialog.getByText(bob.email).waitFor();
  await mine.page.keyboard.press('Escape');

  await composer(mine.page).fill('Please run it.');
  await composer(mine.page).press('Enter');
  await approvalOf(mine.page, 'Bash').waitFor();
  expect(mine.takeTrouble()).toEqual([]);
  await mine.close();

  // Server, agent and Claude: nothing of what asked is left.
  await ada.client.call(routes.sessions.stop, { params: { id } });
  await expect
    .poll(async () => (await ada.client.call(routes.sessions.get, { params: { id } })).status, { timeout: 60_000 })
    .toBe('stopped');
  await product.kill();
  await product.restart();

  const theirs = await site.visitOf(bob, phone);
  await theirs.page.goto(product.url);
  await theirs.page.getByRole('link', { name: 'Shared work' }).first().click();
  await approvalOf(theirs.page, 'Bash').waitFor();
  await inChat(theirs.page, 'Please run it.').waitFor();
  await theirs.page.screenshot({ path: `${pictures}/shared-question-phone.png` });
  // For ever is the owner's to say.
  expect(await approvalOf(theirs.page, 'Bash').getByRole('button', { name: 'Always allow' }).count()).toBe(0);
  await approvalOf(theirs.page, 'Bash').getByRole('button', { name: 'Allow once' }).click();
  await ada.client.call(routes.sessions.start, { params: { id } });
  await inChat(theirs.page, 'It ran.').waitFor({ timeout: 120_000 });
  expect(await output(ada, id, 'cat ran')).toBe('once');
  await theirs.close();
});

it('has one who types in a terminal, and hands it over in sight of both', async () => {
  const [mine, theirs] = [await site.visitOf(ada, desktop), await site.visitOf(bob, desktop)];
  const type = async ({ page }: Visit, keys: string): Promise<void> => {
    await page.locator('.xterm-helper-textarea').first().focus();
    await page.keyboard.type(keys);
    await page.keyboard.press('Enter');
  };
  for (const { page } of [mine, theirs]) {
    await page.goto(`${product.url}/sessions/${id}`);
    await page.getByRole('group', { name: 'Panes' }).getByRole('button', { name: 'Terminal' }).click();
    await page.locator('section[data-phase=live]').first().waitFor();
  }
  await type(mine, 'echo from-$((40+2))');
  await untilScreen(theirs.page, (screen) => screen.includes('from-42'), 'what Ada typed');
  await theirs.page.getByText('Ada types here.').waitFor();
  await theirs.page.screenshot({ path: `${pictures}/shared-terminal.png` });
  await theirs.page.getByRole('button', { name: 'Take over' }).click();
  await mine.page.getByText('Bob took over and types here now.').waitFor();
  await type(theirs, 'echo then-$((50+1))');
  await untilScreen(mine.page, (screen) => screen.includes('then-51'), 'what Bob typed');
  for (const visit of [mine, theirs]) {
    expect(visit.takeTrouble()).toEqual([]);
    await visit.close();
  }
});

it('is left from its menu on a phone, after a question, and is gone from the list', async () => {
  const theirs = await site.visitOf(bob, phone);
  await theirs.page.goto(`${product.url}/sessions/${id}`);
  const menu = theirs.page.locator('main header').getByRole('button', { name: 'Actions for Shared work' });
  const ask = async (): Promise<void> => {
    await menu.click();
    await theirs.page.getByRole('menuitem', { name: 'Leave…' }).click();
  };
  await ask();
  const dialog = theirs.page.getByRole('alertdialog', { name: 'Leave “Shared work”?' });
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await dialog.waitFor({ state: 'detached' });
  expect((await bob.client.call(routes.sessions.list, { query: {} })).items).toHaveLength(1);
  await ask();
  await theirs.page.screenshot({ path: `${pictures}/leave-phone.png` });
  await dialog.getByRole('button', { name: 'Leave' }).click();
  await theirs.page.waitForURL(`${product.url}/`);
  await theirs.page.getByText('No sessions yet').first().waitFor();
  expect(await theirs.page.getByRole('link', { name: 'Shared work' }).count()).toBe(0);
  expect((await bob.client.call(routes.sessions.list, { query: {} })).items).toEqual([]);
  await theirs.close();

  const mine = await site.visitOf(ada, desktop);
  await mine.page.goto(`${product.url}/sessions/${id}`);
  await mine.page.locator('main header').getByRole('button', { name: 'Actions for Shared work' }).click();
  await mine.page.getByRole('menuitem', { name: 'Share…' }).waitFor();
  expect(await mine.page.getByRole('menuitem', { name: 'Leave…' }).count()).toBe(0);
  await mine.close();
});

it('is in a project that is made in the page, where what an owner allows for it is asked no more', async () => {
  const mine = await site.visitOf(ada, { ...desktop, theme: 'dark' });
  const { page } = mine;
  await page.goto(`${product.url}/projects`);
  await page.getByRole('button', { name: 'New project' }).click();
  const made = page.getByRole('dialog', { name: 'New project' });
  await made.getByLabel('Name').fill('Shop');
  await made.getByLabel('Description').fill('Everything about the shop');
  await page.screenshot({ path: `${pictures}/project-new.png` });
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1, name: 'Shop' }).waitFor();
  await page.getByLabel('E-mail of a person').fill(bob.email);
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await page.getByRole('list', { name: 'People' }).getByText(bob.email).waitFor();

  await page.keyboard.press('Alt+N');
  const begun = page.getByRole('dialog', { name: 'New session' });
  await begun.getByLabel('Name').fill('Shop work');
  await begun.getByRole('combobox', { name: 'Project' }).click();
  await page.getByRole('option', { name: 'Shop' }).click();
  await page.screenshot({ path: `${pictures}/project-new-session.png` });
  await begun.getByRole('button', { name: 'Create session' }).click();
  await untilStatus(page, 'idle');
  await composer(page).fill('Please run it.');
  await composer(page).press('Enter');
  await approvalOf(page, 'Bash').waitFor();
  await page.screenshot({ path: `${pictures}/project-question.png` });
  await approvalOf(page, 'Bash').getByRole('button', { name: 'Always for this project' }).click();
  await inChat(page, 'It ran.').waitFor({ timeout: 120_000 });
  await page.goto(product.url);
  await page.getByRole('link', { name: 'Shop work' }).first().waitFor();
  await page.screenshot({ path: `${pictures}/project-sessions.png` });

  // Bob has it in his list, and on his phone the project as its editor sees it.
  const theirs = await site.visitOf(bob, { ...phone, width: 360 });
  await theirs.page.goto(product.url);
  await theirs.page.getByRole('link', { name: 'Shop work' }).first().waitFor();
  await theirs.page.goto(`${product.url}/projects`);
  await theirs.page.getByRole('link', { name: 'Shop', exact: true }).click();
  await theirs.page.getByText('exactly this command').waitFor();
  await theirs.page.screenshot({ path: `${pictures}/project-phone.png`, fullPage: true });
  expect(await theirs.page.getByRole('button', { name: /^Ask again/ }).count()).toBe(0);
  const isWide = await theirs.page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
  expect(isWide).toBe(false);
  expect(theirs.takeTrouble()).toEqual([]);
  await theirs.close();

  await page.goto(`${product.url}/projects`);
  await page.getByRole('link', { name: 'Shop', exact: true }).click();
  await page.getByText('exactly this command').waitFor();
  await page.screenshot({ path: `${pictures}/project.png`, fullPage: true });
  await page.getByRole('button', { name: /^Ask again/ }).click();
  await page.getByText('Nothing yet.').waitFor();
  expect(mine.takeTrouble()).toEqual([]);
  await mine.close();
});

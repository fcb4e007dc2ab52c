// Forking in the page: from a message and from the list, what is said of it, and the way back to where it came from.

import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { AxeBuilder } from '@axe-core/playwright';
import { routes, type Session } from '@remote-claude/contract';
import { afterTool, always, text, toolUse, userSays } from '@remote-claude/scripted-model';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { composer, desktop, inChat, phone, untilStatus, type Look, type Visit } from '../support/browser.js';
import { output, startSession, stopSession, untilRunning } from '../support/inside.js';
import { openPageSite, sayAndAllow, type PageSite } from '../support/page-site.js';
import type { Person } from '../support/people.js';
import type { Product } from '../support/product.js';
import { until } from '../support/wait.js';

let site: PageSite;
let product: Product;
let ada: Person;
let bob: Person;
let source: Session;

const wreck = 'Wreck some of it, so that there is something to mend.';
const pictures = join(tmpdir(), 'remote-claude-fork');
const small: Look = { ...phone, width: 360, height: 740, theme: 'dark' };

beforeAll(async () => {
  site = await openPageSite([
    {
      name: 'build',
      when: userSays('Build'),
      answer: [toolUse('Bash', { command: 'mkdir -p src node_modules/x && echo one > src/words.txt' })],
    },
    { name: 'wreck', when: userSays('Wreck'), answer: [toolUse('Bash', { command: 'rm -r src' })] },
    { name: 'done', when: afterTool('Bash'), answer: [text('That is done.')] },
    { name: 'greet', when: always, answer: [text('All right.')] },
  ]);
  ({ product, ada, bob } = site);
  source = await startSession(ada, { name: 'Words' });
  await sayAndAllow(site, source.id, ['Build me a small project, please.', wreck]);
});
afterAll(() => site?.close());

const open = async (look: Look, person = ada, id: string = source.id): Promise<Visit> => {
  const visit = await site.visitOf(person, look);
  await visit.page.goto(`${product.url}/sessions/${id}/`);
  await inChat(visit.page, 'Build me a small project').waitFor();
  return visit;
};
const looksFine = async ({ page }: Visit, picture: string): Promise<void> => {
  await page.screenshot({ path: join(pictures, `${picture}.png`) });
  expect(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth)).toBe(true);
  const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze();
  expect(violations.map((violation) => `${violation.id}: ${violation.nodes[0]?.html}`)).toEqual([]);
};
/** The session to whose page the browser goes. */
const newSession = async ({ page }: Visit, from: string): Promise<Session> => {
  await page.waitForURL((url) => url.pathname.includes('/sessions/') && !url.pathname.includes(from));
  const id = /sessions\/([^/]+)/.exec(page.url())?.[1] ?? '';
  return ada.client.call(routes.sessions.get, { params: { id } });
};

it('goes to a session that begins before the message, which waits there to be written anew', async () => {
  const visit = await open(desktop);
  const { page } = visit;
  await inChat(page, wreck).waitFor();
  await page.getByRole('button', { name: 'Actions for this message' }).last().click();
  await page.getByRole('menuitem', { name: 'Fork from here…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Fork from this message' });
  expect(await dialog.getByLabel('Name').inputValue()).toBe('Words (fork)');
  await dialog.getByText(/Dependency folders such as node_modules/).waitFor();
  await looksFine(visit, 'dialog');
  await dialog.getByLabel('Name').fill('Another way');
  await dialog.getByRole('button', { name: 'Fork', exact: true }).click();
  const forked = await newSession(visit, source.id);
  expect(forked).toMatchObject({ name: 'Another way', forkedFrom: { sessionId: source.id } });
  await untilStatus(page, 'idle');
  await inChat(page, 'Ada forked this session from “Words”').waitFor();
  await inChat(page, 'The files were copied, without 1 dependency folder.').waitFor();
  await inChat(page, 'That is done.').waitFor();
  await until(async () => (await composer(page).inputValue()) === wreck, { what: 'the message in the composer' });
  expect(await output(ada, forked.id, 'cat src/words.txt')).toBe('one');
  await looksFine(visit, 'forked');

  // The way back.
  await page.getByRole('link', { name: 'Forked from Words' }).click();
  await inChat(page, wreck).waitFor();
  expect(page.url()).toContain(source.id);
  expect(visit.takeTrouble()).toEqual([]);
  await visit.close();
  await ada.client.call(routes.sessions.remove, { params: { id: forked.id } });
});

it('fits a phone in the dark, from the menu of the session', async () => {
  const visit = await open(small);
  const { page } = visit;
  await page.getByRole('button', { name: 'Actions for this message' }).last().click();
  await page.getByRole('menuitem', { name: 'Fork from here…' }).click();
  await page.getByRole('dialog', { name: 'Fork from this message' }).waitFor();
  await looksFine(visit, 'phone-dialog');
  await page.getByRole('button', { name: 'Cancel' }).click();

  await page.getByRole('button', { name: 'Actions for Words' }).first().click();
  await page.getByRole('menuitem', { name: 'Fork…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Fork this session' });
  await dialog.getByRole('button', { name: 'Fork', exact: true }).click();
  const forked = await newSession(visit, source.id);
  expect(forked).toMatchObject({ name: 'Words (fork)', forkedFrom: { messageId: null } });
  await untilStatus(page, 'idle');
  await inChat(page, 'Ada forked this session').waitFor();
  await inChat(page, wreck).waitFor();
  await looksFine(visit, 'phone-forked');
  await page.getByRole('button', { name: 'Actions for Words (fork)' }).first().click();
  await page.getByRole('menuitem', { name: 'Forked from Words' }).waitFor();
  await page.screenshot({ path: join(pictures, 'phone-menu.png') });
  await page.getByRole('menuitem', { name: 'Forked from Words' }).click();
  await page.waitForURL((url) => url.pathname.includes(source.id));
  expect(visit.takeTrouble()).toEqual([]);
  await visit.close();

  // Who may see the fork and not the other session reads its name, and finds no link.
  await ada.client.call(routes.members.add, {
    params: { id: forked.id },
    body: { email: bob.email, role: 'viewer' },
  });
  const bobs = await open(desktop, bob, forked.id);
  await bobs.page.locator('main header').getByText('Forked from Words').waitFor();
  expect(await bobs.page.getByRole('link', { name: 'Forked from Words' }).count()).toBe(0);
  await bobs.page.getByRole('button', { name: 'Actions for Words (fork)' }).first().click();
  await bobs.page.getByRole('menuitem', { name: 'People…' }).waitFor();
  expect(await bobs.page.getByRole('menuitem', { name: 'Fork…' }).count()).toBe(0);
  await bobs.close();
  await ada.client.call(routes.sessions.remove, { params: { id: forked.id } });
});

it('says while it waits what it waits for, and goes on', async () => {
  const { id } = await ada.client.call(routes.sessions.fork, { params: { id: source.id }, body: { name: 'Waits' } });
  await stopSession(ada, source.id);
  const visit = await open(small, ada, id);
  const { page } = visit;
  // Where the copy was quicker than the stop, there is nothing to wait for.
  const waits = page.getByText('“Words”, from which this session is forked, must run').first();
  const isReady = page.locator('main header [data-shown=idle]').first();
  await waits.or(isReady).first().waitFor();
  await page.screenshot({ path: join(pictures, 'phone-waiting.png') });
  await ada.client.call(routes.sessions.start, { params: { id: source.id } });
  await untilStatus(page, 'idle');
  await inChat(page, 'The files were copied').waitFor();
  await untilRunning(ada, source.id);
  // All that there was but for what no checkpoint holds.
  expect([await output(ada, source.id, 'ls -A'), await output(ada, id, 'ls -A')]).toEqual(['node_modules', '']);
  await visit.close();
});

// Changing what Claude asked for before it runs: what ran is what stood in the form, and the transcript says so.

import { AxeBuilder } from '@axe-core/playwright';
import { routes, type SessionId } from '@remote-claude/contract';
import { afterTool, always, text, toolUse, userSays, type ScriptedModel } from '@remote-claude/scripted-model';
import { afterAll, beforeAll, expect, it } from 'vitest';

import {
  approvalOf,
  composer,
  inChat,
  phone,
  startBrowser,
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
  model = await startModel([
    { name: 'run', when: userSays('Run it'), answer: [toolUse('Bash', { command: 'node a.js' })] },
    { name: 'ran', when: afterTool('Bash'), answer: [text('It has run.')] },
    {
      name: 'write',
      when: userSays('Write it'),
      answer: [toolUse('Write', { file_path: '/workspace/note.txt', content: 'first\nsecond\n' })],
    },
    { name: 'wrote', when: afterTool('Write'), answer: [text('It is written.')] },
    { name: 'greet', when: always, answer: [text('All right.')] },
  ]);
  product = await startProduct({ config: configFor(model) });
  ada = await setUpAdmin(product);
  ({ id } = await startSession(ada));
  for (const name of ['a', 'b']) {
    const answer = await ada.client.call(routes.sessions.execute, {
      params: { id },
      body: { command: `echo "require('fs').writeFileSync('${name}.ran', '')" > ${name}.js` },
    });
    expect(answer).toMatchObject({ exitCode: 0 });
  }
  browser = await startBrowser();
  visit = await browser.visit({ ...phone, width: 360 });
  await useCookie(visit, product, await signInByCookie(product, ada));
  await visit.page.goto(`${product.url}/sessions/${id}/`);
  await untilStatus(visit.page, 'idle');
});

afterAll(async () => {
  await browser?.close();
  await product?.close();
  await model?.close();
});

const contentOf = async (path: string): Promise<string | null> => {
  const answer = await ada.fetch(`/sessions/${id}/files/${path}`);
  return answer.status === 200 ? answer.text() : null;
};

it('runs the command that stands in the form, and nothing else', async () => {
  const { page } = visit;
  await composer(page).fill('Run it, please.');
  await composer(page).press('Enter');
  const card = approvalOf(page, 'Bash');
  await card.getByRole('button', { name: 'Edit…' }).press('Enter');
  const form = card.getByRole('textbox', { name: 'Command' });
  expect(await form.inputValue()).toBe('node a.js');
  expect(await form.evaluate((area) => area === document.activeElement)).toBe(true);
  await form.fill('');
  await card.getByRole('alert').getByText('There is no command to run.').waitFor();
  expect(await card.getByRole('button', { name: 'Allow' }).isDisabled()).toBe(true);
  // Away and back: nothing was answered, and what was typed is given up.
  await form.press('Escape');
  await card.getByRole('button', { name: 'Back' }).press('Enter');
  await card.getByRole('heading', { name: 'Run node a.js' }).waitFor();
  await card.getByRole('button', { name: 'Edit…' }).press('Enter');
  // All of a long command is seen, also on a phone.
  await form.fill('echo a rather long command && '.repeat(6));
  expect(await form.evaluate((area) => area.scrollHeight - area.clientHeight)).toBeLessThanOrEqual(1);
  await form.fill('node b.js');
  expect(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth)).toBe(true);
  const { violations } = await new AxeBuilder({ page }).include('[data-testid=approval]').setLegacyMode().analyze();
  expect(violations.map((violation) => `${violation.id}: ${violation.nodes[0]?.html}`)).toEqual([]);
  await card.getByRole('button', { name: 'Allow as edited' }).press('Enter');
  await inChat(page, 'It has run.').waitFor();
  expect([await contentOf('a.ran'), await contentOf('b.ran')]).toEqual([null, '']);

  // The menu of a message takes no room from it when the turn is over.
  await page.getByRole('button', { name: 'Actions for this message' }).waitFor();
  const head = page.getByRole('article').filter({ hasText: 'Run it, please.' }).locator('header');
  expect((await head.boundingBox())?.height).toBeLessThan(30);
  const call = page.locator('[data-testid=tool-card][data-tool=Bash]');
  expect(await call.innerText()).toMatch(/node b\.js[^]*edited/);
  await call.getByRole('button').first().click();
  await call.getByText('Allowed by Ada, edited: what you see here is what ran').waitFor();
  expect(await call.innerText()).not.toContain('node a.js');
  await page.reload();
  await inChat(page, 'It has run.').waitFor();
  await call.getByText('edited').first().waitFor();
  expect(visit.takeTrouble()).toEqual([]);
});

it('writes the file as it was edited', async () => {
  const { page } = visit;
  await composer(page).fill('Write it, please.');
  await composer(page).press('Enter');
  const card = approvalOf(page, 'Write');
  await card.getByRole('button', { name: 'Edit…' }).click();
  await card.getByRole('textbox', { name: 'Content of the file' }).fill('first\nthird\n');
  await card.getByRole('button', { name: 'Allow as edited' }).click();
  await inChat(page, 'It is written.').waitFor();
  expect(await contentOf('note.txt')).toBe('first\nthird\n');
  expect(model.unexpected()).toEqual([]);
});

// The spine as a person meets it: Chromium, the built product and the real Claude Code, with a scripted model.

import { routes, type SessionId } from '@remote-claude/contract';
import {
  afterTool,
  always,
  gate,
  numbered,
  text,
  toolUse,
  userSays,
  type ScriptedModel,
} from '@remote-claude/scripted-model';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import {
  approvalOf,
  composer,
  desktop,
  inChat,
  screenOf,
  signInByForm,
  startBrowser,
  tokensIn,
  tokensTo,
  transcript,
  untilEditor,
  untilScreen,
  untilStatus,
  type TestBrowser,
  type Visit,
} from '../support/browser.js';
import { configFor, startModel } from '../support/model.js';
import { signIn, type Person } from '../support/people.js';
import { startProduct, type Product } from '../support/product.js';
import { sumsUp, writesAndRuns } from '../support/program-rules.js';

const ada = { name: 'Ada', email: 'ada@example.org', password: 'a password for Ada' };
const program = "// Multiplies.\nconsole.log('made by claude', 6 * 7);\n";
const added = '// seen by Ada';

let model: ScriptedModel;
let product: Product;
let browser: TestBrowser;
let visit: Visit;
let api: Person;

beforeAll(async () => {
  model = await startModel([
    ...writesAndRuns(program),
    {
      name: 'count',
      when: userSays('count'),
      answer: [
        numbered(40),
        gate('middle'),
        numbered(40, { from: 41 }),
        toolUse('Bash', { command: 'touch counted', description: 'Leave a mark' }),
      ],
    },
    {
      name: 'counted',
      when: afterTool('Bash', { text: /^(?![\s\S]*made by claude)/ }),
      answer: [text('The mark is left.')],
    },
    sumsUp,
    { name: 'greet', when: always, answer: [text('Hello.')] },
  ]);
  product = await startProduct({ config: configFor(model) });
  browser = await startBrowser();
  visit = await browser.visit(desktop);
});

afterAll(async () => {
  await browser?.close();
  await product?.close();
  await model?.close();
});

afterEach(() => {
  expect(visit.takeTrouble()).toEqual([]);
  expect(model.unexpected()).toEqual([]);
});

const sessionIdOf = (url: string): string => /\/sessions\/([^/]+)/.exec(url)?.[1] ?? '';
const fileText = async (path: string): Promise<string> => {
  const answer = await api.fetch(`/sessions/${sessionIdOf(visit.page.url())}/files/${path}`);
  return answer.ok ? answer.text() : `${answer.status}`;
};

describe('a first day', () => {
  it('begins with the link that the server printed', async () => {
    const { page } = visit;
    await page.goto(product.setupUrl ?? '');
    await page.getByLabel('Name').fill(ada.name);
    await page.getByLabel('E-mail').fill(ada.email);
    await page.getByLabel('Password').fill(ada.password);
    await page.getByRole('button', { name: 'Create the admin account' }).click();
    await page.getByText('A key from the server’s configuration is in use.').waitFor();
    expect(page.url()).not.toContain('token');
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByRole('button', { name: 'Later' }).click();
    await page.getByRole('heading', { name: 'Sessions', level: 1 }).waitFor();
    api = await signIn(product, ada.email, ada.password);
  });

  it('makes a session, and shows its start step by step', async () => {
    const { page } = visit;
    await page.evaluate(() => {
      const look = (): void => {
        const steps = document.querySelectorAll('[data-testid=start-checklist] li');
        if (steps.length > 0) document.body.dataset['steps'] = [...steps].map((step) => step.textContent).join('; ');
      };
      new MutationObserver(look).observe(document.body, { subtree: true, childList: true });
    });
    await page.getByRole('button', { name: 'New session' }).first().click();
    await page.getByRole('dialog').getByLabel('Name').fill('First day');
    await page.getByRole('dialog').getByRole('button', { name: 'Create session' }).click();
    await page.getByRole('heading', { name: 'First day', level: 1 }).waitFor();
    await untilStatus(page, 'idle');
    // A first start can be over before the page is drawn; a second one happens before its eyes.
    const params = { id: sessionIdOf(page.url()) as SessionId };
    await api.client.call(routes.sessions.stop, { params });
    await untilStatus(page, 'stopped');
    await api.client.call(routes.sessions.start, { params });
    await untilStatus(page, 'idle');
    await page.getByTestId('start-checklist').waitFor({ state: 'detached' });
    const steps = await page.evaluate(() => document.body.dataset['steps']);
    // In the middle stands what the server said last.
    expect(steps).toMatch(/^Queued; \w.*; Claude is ready/);
  });

  it('asks for a program, and shows all that is to be allowed', async () => {
    const { page } = visit;
    await page.getByText('No files yet').waitFor();
    await composer(page).fill('Please write me a program.');
    await composer(page).press('Enter');

    const write = approvalOf(page, 'Write');
    await write.waitFor();
    expect(await write.innerText()).toContain('answer.mjs');
    for (const line of program.trim().split('\n')) expect(await write.innerText()).toContain(line);
    await write.getByRole('button', { name: 'Allow once' }).click();

    const bash = approvalOf(page, 'Bash');
    await bash.waitFor();
    expect(await bash.getByLabel('Command').innerText()).toContain('node answer.mjs');
    // Nobody asked the tree to look again.
    await page.getByRole('treeitem', { name: 'answer.mjs' }).waitFor();
    await bash.getByRole('button', { name: 'Allow once' }).click();

    await page.getByTestId('turn-end').waitFor();
    await untilStatus(page, 'idle');
    const rows = await transcript(page);
    expect(rows.filter((row) => row.includes('Please write me a program.'))).toHaveLength(1);
    expect(rows.filter((row) => row.includes('It printed 42. Done.'))).toHaveLength(1);
    expect(await approvalOf(page, 'Bash').count()).toBe(0);
  });

  it('opens the file in the editor, changes and saves it', async () => {
    const { page } = visit;
    await page.getByRole('treeitem', { name: 'answer.mjs' }).click();
    await untilEditor(page, "console.log('made by claude', 6 * 7);");
    await page.locator('section[data-pane=editor] .view-lines').click();
    await page.keyboard.press('Control+End');
    await page.keyboard.type(added);
    await page.getByRole('button', { name: 'answer.mjs (not saved)' }).waitFor();
    await page.keyboard.press('Control+s');
    await page.getByRole('button', { name: 'answer.mjs (not saved)' }).waitFor({ state: 'detached' });
    expect(await fileText('answer.mjs')).toBe(program + added);
  });

  it('runs the program in a terminal', async () => {
    const { page } = visit;
    await page.getByRole('group', { name: 'Panes' }).getByRole('button', { name: 'Terminal' }).click();
    const terminal = page.locator('section[data-phase=live]');
    await terminal.waitFor();
    await untilScreen(page, (screen) => /[$#]$/m.test(screen), 'a prompt');
    await terminal.locator('.xterm-helper-textarea').focus();
    await page.keyboard.type('node answer.mjs; tail -n1 answer.mjs');
    await page.keyboard.press('Enter');
    const screen = await untilScreen(
      page,
      (seen) => /made by claude 42\s+\/\/ seen by Ada/.test(seen),
      'what the program prints',
    );
    expect(screen.match(/made by claude 42/g)).toHaveLength(1);
  });

  it('is as it was after a reload in mid-stream, nothing twice', async () => {
    const { page } = visit;
    await composer(page).fill('Please count.');
    await composer(page).press('Enter');
    await model.control.untilWaiting('middle');
    await inChat(page, /token-0040/).waitFor();
    await composer(page).fill('A draft that nobody sent');
    const before = { rows: await transcript(page), screen: await screenOf(page) };
    expect(tokensIn(before.rows)).toEqual(tokensTo(40));

    await page.reload();
    await inChat(page, /token-0040/).waitFor();
    await untilStatus(page, 'working');
    expect(await transcript(page)).toEqual(before.rows);
    expect(await composer(page).inputValue()).toBe('A draft that nobody sent');
    await untilEditor(page, added);
    expect(await untilScreen(page, (screen) => screen === before.screen, 'the screen from before the reload')).toBe(
      before.screen,
    );
  });

  it('finds an open question again after a reload, and the stream whole', async () => {
    const { page } = visit;
    model.control.release('middle');
    await approvalOf(page, 'Bash').waitFor();
    const before = {
      rows: await transcript(page),
      card: await approvalOf(page, 'Bash').innerText(),
      screen: await screenOf(page),
    };
    expect(tokensIn(before.rows)).toEqual(tokensTo(80));

    await page.reload();
    await approvalOf(page, 'Bash').waitFor();
    await inChat(page, /token-0080/).waitFor();
    expect(await approvalOf(page, 'Bash').innerText()).toBe(before.card);
    expect(await transcript(page)).toEqual(before.rows);
    await untilEditor(page, added);
    await untilScreen(page, (screen) => screen === before.screen, 'the screen from before the reload');
    // It is the same shell, not a picture of it.
    await page.locator('section[data-phase=live] .xterm-helper-textarea').focus();
    await page.keyboard.type('echo still $((40 + 2))');
    await page.keyboard.press('Enter');
    await untilScreen(page, (screen) => screen.includes('still 42'), 'the shell to answer');

    await approvalOf(page, 'Bash').getByRole('button', { name: 'Allow once' }).click();
    await untilStatus(page, 'idle');
    await page.getByRole('treeitem', { name: 'counted' }).waitFor();
    const rows = await transcript(page);
    expect(tokensIn(rows)).toEqual(tokensTo(80));
    expect(rows.filter((row) => row.includes('The mark is left.'))).toHaveLength(1);
    const { items } = await api.client.call(routes.claude.history, {
      params: { id: sessionIdOf(page.url()) },
      query: { limit: 500 },
    });
    expect(items.map(({ seq }) => seq)).toEqual(items.map((_, index) => index + 1));
  });

  it('ends with signing out, and signing in again', async () => {
    const { page } = visit;
    const id = sessionIdOf(page.url());
    await page.getByRole('button', { name: 'Account of Ada' }).click();
    await page.getByRole('menuitem', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: /Sign in/ }).waitFor();
    await signInByForm(page, ada);
    await page.locator(`main a[href*='${id}']`).click();
    await untilStatus(page, 'idle');
    await inChat(page, 'The mark is left.').waitFor();
    // What was on its way when the cookie went is refused; nothing else is.
    expect(visit.takeTrouble().filter((line) => !line.startsWith('answered 401: GET'))).toEqual([]);
  });
});

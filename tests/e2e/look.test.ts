// Every screen in two sizes and two themes: it fits, nothing goes wrong in it, and axe finds nothing serious. And the main
// path without a mouse. The pictures of the last run stay in the temp folder, for whoever wants to look.

import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import { routes, type SessionId } from '@remote-claude/contract';
import {
  afterTool,
  always,
  text,
  thinking,
  toolUse,
  userSays,
  type ScriptedModel,
} from '@remote-claude/scripted-model';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import {
  approvalOf,
  composer,
  desktop,
  inChat,
  phone,
  startBrowser,
  untilScreen,
  untilStatus,
  useCookie,
  type Look,
  type TestBrowser,
  type Visit,
} from '../support/browser.js';
import { signInByCookie } from '../support/calls.js';
import { startSession } from '../support/inside.js';
import { configFor, startModel } from '../support/model.js';
import { addMember, setUpAdmin, type Person } from '../support/people.js';
import { startProduct, type Product } from '../support/product.js';
import { until } from '../support/wait.js';

const looks: readonly (Look & { name: string })[] = [desktop, phone].flatMap((look) =>
  (['light', 'dark'] as const).map((theme) => ({ ...look, theme, name: `${look.width}x${look.height}-${theme}` })),
);

const pictures = join(tmpdir(), 'remote-claude-look');
const program = `// Counts the words of a text.
export const count = (text) => {
  const words = new Map();
  for (const [word] of text.toLowerCase().matchAll(/\\p{L}+/gu)) words.set(word, (words.get(word) ?? 0) + 1);
  return words;
};

console.log(count('the cat and the hat'));
`;
const summary = `It works. **Three things** to know:

1. Words are runs of letters, in any script.
2. Case does not count: \`The\` and \`the\` are one word.
3. The order is that of the first appearance.

| word | times |
| --- | --- |
| the | 2 |
| cat | 1 |

\`\`\`js
import { count } from './words.mjs';
\`\`\``;

let model: ScriptedModel;
let product: Product;
let browser: TestBrowser;
let ada: Person;
let id: SessionId;
let visits: Map<string, Visit>;

beforeAll(async () => {
  model = await startModel([
    {
      name: 'write',
      when: userSays('words'),
      answer: [
        thinking('A Map keeps the order in which the words appear.'),
        text('I write it as a small module.'),
        toolUse('Write', { file_path: '/workspace/words.mjs', content: program }),
      ],
    },
    {
      name: 'run',
      when: afterTool('Write'),
      answer: [text('Now I run it.'), toolUse('Bash', { command: 'node words.mjs', description: 'Run the program' })],
    },
    { name: 'sum up', when: afterTool('Bash', { text: /the/ }), answer: [text(summary)] },
    {
      name: 'clean',
      when: userSays('clean'),
      answer: [
        text('This removes a file.'),
        toolUse('Bash', { command: 'rm -f words.bak && ls -la', description: 'Remove the copy' }),
      ],
    },
    { name: 'greet', when: always, answer: [text('All right.')] },
  ]);
  product = await startProduct({ config: configFor(model) });
  browser = await startBrowser();
  await rm(pictures, { recursive: true, force: true });
  visits = new Map(await Promise.all(looks.map(async (look) => [look.name, await browser.visit(look)] as const)));
});

afterAll(async () => {
  await browser?.close();
  await product?.close();
  await model?.close();
});

const visitOf = (look: Look & { name: string }): Visit => {
  const visit = visits.get(look.name);
  if (visit === undefined) throw new Error(`There is no visit ${look.name}.`);
  return visit;
};

const approve = async (tool: string): Promise<void> => {
  const open = await until(
    async () => {
      const { items } = await ada.client.call(routes.claude.approvals, { params: { id } });
      return items.find((approval) => approval.tool === tool);
    },
    { what: `the question about ${tool}` },
  );
  await ada.client.call(routes.claude.answer, {
    params: { id, approvalId: open.approvalId },
    body: { decision: 'allow' },
  });
};

/** What sticks out at the side and cannot be scrolled to: a line for each. */
const stickingOut = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    const found =
      document.documentElement.scrollWidth > width
        ? [`the page scrolls sideways: ${document.documentElement.scrollWidth} in ${width}`]
        : [];
    for (const element of document.querySelectorAll<HTMLElement>(
      'a, button, input, textarea, h1, h2, h3, p, [role=treeitem]',
    )) {
      const { left, right, width: own, height } = element.getBoundingClientRect();
      if (
        own <= 1 ||
        height <= 1 ||
        !element.checkVisibility({ visibilityProperty: true }) ||
        (right <= width + 1 && left >= -1)
      )
        continue;
      let scrolls = false;
      for (let above = element.parentElement; above !== null; above = above.parentElement)
        scrolls ||= /auto|scroll/.test(getComputedStyle(above).overflowX) && above.scrollWidth > above.clientWidth;
      if (!scrolls)
        found.push(
          `${element.tagName} ${element.ariaLabel ?? element.textContent?.slice(0, 40) ?? ''} from ${left} to ${right} in ${width}`,
        );
    }
    return found;
  });

const check = async (visit: Visit, look: { name: string }, screen: string): Promise<void> => {
  const { page } = visit;
  await page.evaluate(() => document.fonts.ready.then(() => undefined));
  await page.locator('[aria-busy=true]').first().waitFor({ state: 'detached' });
  await page.screenshot({ path: join(pictures, `${screen}-${look.name}.png`) });
  const { violations, passes } = await new AxeBuilder({ page }).setLegacyMode().analyze();
  // It looked: a page on which no rule applies would be as clean.
  expect(passes.length).toBeGreaterThan(10);
  const serious = violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(
      ({ id: rule, nodes }) =>
        `${rule}: ${nodes.map(({ html, any }) => `${html.slice(0, 160)} ${any[0]?.message ?? ''}`).join(' | ')}`,
    );
  expect.soft(serious, `axe on ${screen} ${look.name}`).toEqual([]);
  expect.soft(await stickingOut(page), `${screen} ${look.name}`).toEqual([]);
  expect.soft(visit.takeTrouble(), `${screen} ${look.name}`).toEqual([]);
};

const showPane = async (page: Page, look: Look, name: string): Promise<void> => {
  const bar = look.touch ? page.getByRole('navigation', { name: 'Views' }) : page.getByRole('group', { name: 'Panes' });
  const button = bar.getByRole('button', { name });
  if ((await button.getAttribute('aria-pressed')) !== 'true') await button.click();
};

describe('before anyone is there', () => {
  it.each(looks)('set-up, $name', async (look) => {
    const visit = visitOf(look);
    await visit.page.goto(product.setupUrl ?? '');
    await visit.page.getByLabel('Password').waitFor();
    await check(visit, look, 'setup');
  });
});

describe('with an admin', () => {
  beforeAll(async () => {
    ada = await setUpAdmin(product);
    await addMember(product, ada, 'Grace');
  });

  it.each(looks)('sign-in, $name', async (look) => {
    const visit = visitOf(look);
    await visit.page.goto(`${product.url}/sign-in/`);
    await visit.page.getByLabel('Password').waitFor();
    await check(visit, look, 'sign-in');
    await useCookie(visit, product, await signInByCookie(product, ada));
  });

  it.each(looks)('no sessions yet, $name', async (look) => {
    const visit = visitOf(look);
    await visit.page.goto(`${product.url}/`);
    await visit.page.locator('main').getByRole('heading', { level: 2 }).first().waitFor();
    await check(visit, look, 'sessions-empty');
  });

  it.each(looks)('settings, people and about, $name', async (look) => {
    const visit = visitOf(look);
    for (const [path, seen] of [
      ['settings', 'Calls go to'],
      ['people', 'grace@example.org'],
      ['about', 'Isolation'],
    ] as const) {
      await visit.page.goto(`${product.url}/${path}/`);
      await visit.page.locator('main').getByText(seen).first().waitFor();
      await check(visit, look, path);
    }
  });
});

describe('with work', () => {
  beforeAll(async () => {
    ({ id } = await startSession(ada, { name: 'Count the words of a text' }));
    const turn = ada.client.call(routes.claude.chat, {
      params: { id },
      body: { message: 'Count the words of a text.' },
    });
    for (const tool of ['Write', 'Bash']) await approve(tool);
    await turn;
    await startSession(ada, { name: 'A second session with a name that is rather long for a narrow window' });
  });

  it.each(looks)('sessions and a finished turn, $name', async (look) => {
    const visit = visitOf(look);
    await visit.page.goto(`${product.url}/`);
    await visit.page.locator('main').getByRole('link', { name: 'A second session' }).waitFor();
    await check(visit, look, 'sessions');
    await visit.page.goto(`${product.url}/sessions/${id}/`);
    await inChat(visit.page, 'It works.').waitFor();
    await inChat(visit.page, 'Three things').waitFor();
    await check(visit, look, 'chat');
  });

  it.each(looks)('files, editor and terminal, $name', async (look) => {
    const visit = visitOf(look);
    const { page } = visit;
    const pane = (name: string): Promise<void> => showPane(page, look, name);
    await page.goto(`${product.url}/sessions/${id}/`);
    await pane('Files');
    await page.getByRole('treeitem', { name: 'words.mjs' }).waitFor();
    if (look.touch) await check(visit, look, 'files');
    await page.getByRole('treeitem', { name: 'words.mjs' }).click();
    await page.locator('.view-line').first().waitFor();
    await page.getByText('Ln 1').or(page.locator('.view-line').nth(3)).first().waitFor();
    await check(visit, look, 'editor');
    await pane('Terminal');
    await page.locator('section[data-phase=live]').waitFor();
    await untilScreen(page, (screen) => /[$#]$/m.test(screen), 'a prompt');
    await check(visit, look, 'terminal');
    if (look.touch) await pane('Chat');
  });

  it('an open question', async () => {
    await ada.client.call(routes.claude.chat, { params: { id }, body: { message: 'Please clean up.', wait: false } });
    for (const look of looks) {
      const visit = visitOf(look);
      await visit.page.goto(`${product.url}/sessions/${id}/`);
      await approvalOf(visit.page, 'Bash').waitFor();
      await inChat(visit.page, 'This removes a file.').waitFor();
      await check(visit, look, 'approval');
    }
  });

  it('goes the main path by keyboard alone', async () => {
    await startSession(ada, { name: 'Without a mouse' });
    const visit = await browser.visit();
    await useCookie(visit, product, await signInByCookie(product, ada));
    const { page } = visit;
    await page.goto(`${product.url}/`);
    await page.locator('main').getByRole('link', { name: 'Without a mouse' }).waitFor();
    const tabTo = async (wanted: ReturnType<Page['locator']>, key: 'Tab' | 'Shift+Tab' = 'Tab'): Promise<void> => {
      for (let presses = 0; presses < 40; presses += 1) {
        if (await wanted.evaluate((element) => element === document.activeElement)) return;
        await page.keyboard.press(key);
      }
      throw new Error(`${key} does not lead to ${String(wanted)}.`);
    };
    await tabTo(page.locator('main').getByRole('link', { name: 'Without a mouse' }));
    await page.keyboard.press('Enter');
    await untilStatus(page, 'idle');
    await composer(page).waitFor();
    await tabTo(composer(page));
    await page.keyboard.type('Count the words of a text.');
    await page.keyboard.press('Enter');
    for (const tool of ['Write', 'Bash']) {
      await approvalOf(page, tool).waitFor();
      const allow = approvalOf(page, tool).getByRole('button', { name: 'Allow once' });
      // The next question rests for a moment, so that it is not answered by mistake; until then no key leads there.
      await until(() => allow.isEnabled(), { what: 'the question to take an answer' });
      // The question stands above where one writes.
      await tabTo(allow, 'Shift+Tab');
      await page.keyboard.press('Enter');
      await approvalOf(page, tool).waitFor({ state: 'detached' });
      // Whoever answered goes on from the composer, not from the top of the page.
      await until(() => composer(page).evaluate((element) => element === document.activeElement), {
        what: 'the focus on the composer',
        timeoutMs: 10_000,
      });
    }
    await untilStatus(page, 'idle');
    await inChat(page, 'It works.').waitFor();
    expect(visit.takeTrouble()).toEqual([]);
    expect(model.unexpected()).toEqual([]);
  });

  it('a stopped session, and a terminated one', async () => {
    for (const end of ['stopped', 'terminated'] as const) {
      if (end === 'stopped') await ada.client.call(routes.sessions.stop, { params: { id } });
      else await ada.client.call(routes.sessions.remove, { params: { id } });
      for (const look of looks) {
        const visit = visitOf(look);
        await visit.page.goto(`${product.url}/sessions/${id}/`);
        await untilStatus(visit.page, end);
        const said = inChat(visit.page, `The session was ${end}.`);
        await said.waitFor();
        expect(await visit.page.getByText(`The session was ${end}.`, { exact: true }).count()).toBe(1);
        await check(visit, look, end);
        await showPane(visit.page, look, 'Files');
        await visit.page
          .getByRole('heading', { name: end === 'stopped' ? 'out of reach' : 'This session has ended' })
          .first()
          .waitFor();
        expect(await visit.page.getByRole('treeitem').count()).toBe(0);
        expect(await visit.page.getByRole('button', { name: 'Resume the session' }).count()).toBe(
          end === 'stopped' ? 1 : 0,
        );
        await check(visit, look, `${end}-files`);
        await showPane(visit.page, look, 'Terminal');
        await check(visit, look, `${end}-terminal`);
        if (look.touch) await showPane(visit.page, look, 'Chat');
      }
    }
  });
});

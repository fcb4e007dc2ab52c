// Going back in the page: what would change is shown first, then it is done, and undone.

import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { AxeBuilder } from '@axe-core/playwright';
import type { SessionId } from '@remote-claude/contract';
import { afterTool, always, text, toolUse, userSays } from '@remote-claude/scripted-model';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { composer, desktop, inChat, phone, type Visit } from '../support/browser.js';
import { startSession } from '../support/inside.js';
import { openPageSite, sayAndAllow, type PageSite } from '../support/page-site.js';
import type { Person } from '../support/people.js';
import type { Product } from '../support/product.js';
import { until } from '../support/wait.js';

let site: PageSite;
let product: Product;
let ada: Person;
let id: SessionId;

const wreck = 'Wreck some of it, so that there is something to mend.';
const pictures = join(tmpdir(), 'remote-claude-rewind');

beforeAll(async () => {
  site = await openPageSite([
    {
      name: 'build',
      when: userSays('Build'),
      answer: [
        toolUse('Bash', {
          command:
            "mkdir -p src docs && printf 'one\\ntwo\\nthree\\n' > src/words.txt && echo '# Notes' > docs/notes.md && echo keep > keep.txt",
        }),
      ],
    },
    {
      name: 'wreck',
      when: userSays('Wreck'),
      answer: [
        toolUse('Bash', {
          command: 'sed -i s/two/zwei/ src/words.txt && rm -r docs && mkdir new && echo n > new/file.txt',
        }),
      ],
    },
    { name: 'done', when: afterTool('Bash'), answer: [text('That is done.')] },
    { name: 'greet', when: always, answer: [text('All right.')] },
  ]);
  ({ product, ada } = site);
  id = (await startSession(ada)).id;
  await sayAndAllow(site, id, ['Build me a small project, please.', wreck]);
});
afterAll(() => site?.close());

const contentOf = async (path: string): Promise<string | null> => {
  const answer = await ada.fetch(`/sessions/${id}/files/${path}`);
  return answer.status === 200 ? answer.text() : null;
};
const open = async (look: typeof desktop): Promise<Visit> => {
  const visit = await site.visitOf(ada, look);
  await visit.page.goto(`${product.url}/sessions/${id}/`);
  await inChat(visit.page, 'Wreck some of it').waitFor();
  return visit;
};
const looksFine = async ({ page }: Visit): Promise<void> => {
  expect(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth)).toBe(true);
  const { violations } = await new AxeBuilder({ page }).include('[role=dialog]').setLegacyMode().analyze();
  expect(violations.map((violation) => `${violation.id}: ${violation.nodes[0]?.html}`)).toEqual([]);
};

it('shows what would change, goes back, and forth again', async () => {
  const visit = await open(desktop);
  const { page } = visit;
  await page.getByRole('button', { name: 'Actions for this message' }).last().click();
  await page.getByRole('menuitem', { name: 'Rewind to here…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Rewind to before this message' });
  await dialog.getByText('come back').first().waitFor();
  await dialog.getByRole('button', { name: /src\/words.txt/ }).click();
  await dialog.getByText('zwei').first().waitFor();
  await looksFine(visit);
  await page.screenshot({ path: join(pictures, 'dialog.png') });
  await dialog.getByRole('button', { name: 'Rewind', exact: true }).click();

  const rewound = page.getByTestId('rewound');
  await rewound.getByText(/rewound the conversation and the files/).waitFor();
  await inChat(page, 'Wreck some of it').waitFor({ state: 'hidden' });
  expect(await contentOf('src/words.txt')).toBe('one\ntwo\nthree\n');
  expect(await contentOf('docs/notes.md')).toBe('# Notes\n');
  expect(await contentOf('new/file.txt')).toBeNull();
  // What was taken out waits to be written anew.
  await until(async () => (await composer(page).inputValue()) === wreck, { what: 'the message in the composer' });
  await page.screenshot({ path: join(pictures, 'rewound.png') });
  await rewound.getByRole('button', { name: 'Show what was rewound' }).click();
  await inChat(page, 'Wreck some of it').waitFor();
  await page.screenshot({ path: join(pictures, 'unfolded.png') });
  await rewound.getByRole('button', { name: 'Undo…' }).click();
  const undo = page.getByRole('dialog', { name: 'Undo this rewind' });
  // One is changed, one comes back, two go: and nothing is said of what is not so.
  await undo.getByText(/As it was before the rewind/).waitFor();
  await undo.getByText(/paths? come|paths? comes/).waitFor();
  expect(await undo.innerText()).not.toMatch(/\b0 |As if nothing had happened/);
  await page.screenshot({ path: join(pictures, 'undo.png') });
  await undo.getByRole('button', { name: 'Undo this rewind' }).click();
  await page.getByText(/undid a rewind of/).waitFor();
  // It stands in the conversation again, so it waits no more to be written anew.
  await until(async () => (await composer(page).inputValue()) === '', { what: 'an empty composer' });
  expect(await contentOf('src/words.txt')).toBe('one\nzwei\nthree\n');
  expect(await contentOf('docs/notes.md')).toBeNull();
  expect(visit.takeTrouble()).toEqual([]);
  await visit.close();
});

it('keeps what is being written, and offers the message that a rewind takes out', async () => {
  const visit = await open(desktop);
  const { page } = visit;
  await composer(page).fill('A draft of mine');
  await page.getByRole('button', { name: 'Actions for this message' }).last().click();
  await page.getByRole('menuitem', { name: 'Rewind to here…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Rewind to before this message' });
  await dialog.getByRole('radio', { name: /^Conversation only/ }).check();
  await dialog.getByRole('button', { name: 'Rewind', exact: true }).click();
  await page.getByRole('button', { name: 'Put before my draft' }).waitFor();
  expect(await composer(page).inputValue()).toBe('A draft of mine');
  await page.screenshot({ path: join(pictures, 'offer.png') });
  await page.getByRole('button', { name: 'Put before my draft' }).click();
  expect(await composer(page).inputValue()).toBe(`${wreck}\n\nA draft of mine`);
  // Nobody knows yet how much Claude reads now.
  expect(await page.getByRole('meter', { name: 'Context used' }).getAttribute('aria-valuenow')).toBe('0');
  await page.getByTestId('rewound').last().getByRole('button', { name: 'Undo…' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Undo this rewind' }).click();
  await page
    .getByText(/undid a rewind of the conversation/)
    .last()
    .waitFor();
  await inChat(page, 'Wreck some of it').waitFor();
  expect(visit.takeTrouble()).toEqual([]);
  await visit.close();
});

it('fits a phone', async () => {
  const visit = await open({ ...phone, width: 360, height: 740, theme: 'dark' });
  const { page } = visit;
  await page.getByRole('button', { name: 'Actions for this message' }).last().click();
  await page.getByRole('menuitem', { name: 'Rewind to here…' }).click();
  await page.getByRole('dialog').getByText('come back').first().waitFor();
  await looksFine(visit);
  await page.screenshot({ path: join(pictures, 'phone.png') });
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.screenshot({ path: join(pictures, 'phone-chat.png') });
  expect(visit.takeTrouble()).toEqual([]);
  await visit.close();
});

// Texts that are longer than an event: kept whole, given to those who may see the session, and shown without a page that hangs.

import { createHash } from 'node:crypto';
import { routes, type SessionId } from '@remote-claude/contract';
import { afterTool, always, text, toolUse, userSays, type ScriptedModel } from '@remote-claude/scripted-model';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { approvalOf, startBrowser, useCookie, type TestBrowser, type Visit } from '../support/browser.js';
import { bearer, callRoute, signInByCookie } from '../support/calls.js';
import { startSession } from '../support/inside.js';
import { configFor, startModel } from '../support/model.js';
import { addMember, setUpAdmin, type Person } from '../support/people.js';
import { startProduct, type Product } from '../support/product.js';
import { openViewer, type Viewer } from '../support/viewer.js';

const content = Array.from({ length: 3_000 }, (_, index) => `// line ${index + 1} of a long program\n`).join('');
const printed = Array.from({ length: 5_000 }, (_, index) => `${index + 1}\n`).join('');

let model: ScriptedModel;
let product: Product;
let browser: TestBrowser;
let visit: Visit;
/** The owner of the session; somebody with a session of his own. */
let ada: Person, bob: Person;
let id: SessionId;
let viewer: Viewer;
let outputHash: string;

beforeAll(async () => {
  model = await startModel([
    {
      name: 'write',
      when: userSays('a long program'),
      answer: [toolUse('Write', { file_path: '/workspace/long.js', content })],
    },
    { name: 'print', when: afterTool('Write'), answer: [toolUse('Bash', { command: 'seq 1 5000' })] },
    { name: 'greet', when: always, answer: [text('Done.')] },
  ]);
  product = await startProduct({ config: configFor(model) });
  browser = await startBrowser();
  ada = await setUpAdmin(product);
  bob = await addMember(product, ada, 'Bob');
  id = (await startSession(ada, { name: 'Long' })).id;
  viewer = openViewer(product.url, ada, id);
  visit = await browser.visit();
  await useCookie(visit, product, await signInByCookie(product, ada));
});

afterAll(async () => {
  viewer?.close();
  await browser?.close();
  await product?.close();
  await model?.close();
});

const blobOf = (person: Person, hash: string, session: SessionId = id, headers: Record<string, string> = {}) =>
  callRoute(product, routes.claude.blob, bearer(person.token), { params: { id: session, hash }, headers });

describe('a long text', () => {
  it('an approval gives the whole input, to those who ask by the API too', async () => {
    await ada.client.call(routes.claude.chat, {
      params: { id },
      body: { message: 'Write a long program.', wait: false },
    });
    const { approval } = await viewer.event('approval.asked');
    expect(JSON.stringify(approval.input).length).toBeLessThan(40 * 1024);
    const answer = await blobOf(ada, approval.wholeInput?.blob ?? '');
    const whole = await answer.text();
    expect(JSON.parse(whole)).toEqual({ file_path: '/workspace/long.js', content });
    expect(Buffer.byteLength(whole)).toBe(approval.wholeInput?.bytes);

    await visit.page.goto(`${product.url}/sessions/${id}`);
    const card = approvalOf(visit.page, 'Write');
    await card.getByRole('button', { name: 'Show all 3000 lines' }).click();
    await card.getByText('// line 3000 of a long program').waitFor();
    await card.getByRole('button', { name: 'Allow once' }).click();
    const written = await viewer.event('tool.finished', ({ name }) => name === 'Write');
    expect(written.outcome).toBe('ok');
    expect(await (await ada.fetch(`/sessions/${id}/files/long.js`)).text()).toBe(content);
  });

  it('a tool’s result is served whole, as what never changes and never runs', async () => {
    // What only prints needs no approval.
    const { output } = await viewer.event('tool.finished', ({ name }) => name === 'Bash');
    await viewer.event('turn.ended');
    outputHash = output.blob ?? '';
    expect(output.text.length).toBeLessThanOrEqual(12_000);
    const answer = await blobOf(ada, outputHash);
    const whole = await answer.text();
    expect(whole.trimEnd()).toBe(printed.trimEnd());
    expect(createHash('sha256').update(whole).digest('hex')).toBe(outputHash);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      etag: `"${outputHash}"`,
      'content-type': 'text/plain; charset=utf-8',
      'content-security-policy': expect.stringContaining('sandbox') as string,
      'x-content-type-options': 'nosniff',
      'cache-control': 'private, max-age=31536000, immutable',
    });
    const again = await blobOf(ada, outputHash, id, { 'if-none-match': `"${outputHash}"` });
    expect([again.status, await again.text()]).toEqual([304, '']);
  });

  it('is nobody else’s, by any session', async () => {
    const other = (await bob.client.call(routes.sessions.create, { body: { name: 'Bob’s' } })).id;
    const answers = [await blobOf(bob, outputHash), await blobOf(bob, outputHash, other)];
    expect(answers.map(({ status }) => status)).toEqual([404, 404]);
    await bob.client.call(routes.sessions.remove, { params: { id: other } });
  });

  it('is shown on demand, and again after it could not be loaded', async () => {
    const { page } = visit;
    await page.route(`**/blobs/${outputHash}`, (route) => route.abort());
    const card = page.locator('[data-testid=tool-card][data-tool=Bash]').first();
    await card.getByRole('button', { name: 'Bash' }).click();
    await card.getByRole('button', { name: 'Show all', exact: true }).click();
    await card.getByRole('alert').getByText('could not be loaded').waitFor();
    await page.unroute(`**/blobs/${outputHash}`);
    await card.getByRole('button', { name: 'Try again' }).click();
    const output = card.getByTestId('long-text');
    await output.waitFor();
    expect((await output.textContent())?.trimEnd()).toBe(printed.trimEnd());
    visit.takeTrouble();
  });

  it('of five megabytes does not hold the page up', async () => {
    const { page } = visit;
    const huge = '\u001b[32mok\u001b[0m a line of output that goes on for a while\n'.repeat(80_000);
    await page.route(`**/blobs/${outputHash}`, (route) => route.fulfill({ body: huge, contentType: 'text/plain' }));
    await page.reload();
    const card = page.locator('[data-testid=tool-card][data-tool=Bash]').first();
    await card.getByRole('button', { name: 'Bash' }).click();
    await card.getByRole('button', { name: 'Show all', exact: true }).click();
    const output = card.getByTestId('long-text');
    await output.waitFor();
    // Scrolled to its end and back while every frame is timed.
    const slowestMs = await output.evaluate(async (box) => {
      let [slowest, last] = [0, performance.now()];
      for (let step = 0; step <= 40; step += 1) {
        box.scrollTop = (box.scrollHeight * (step <= 20 ? step : 40 - step)) / 20;
        await new Promise((resolve) => requestAnimationFrame(resolve));
        slowest = Math.max(slowest, performance.now() - last);
        last = performance.now();
      }
      return slowest;
    });
    expect(slowestMs).toBeLessThan(1_500);
    expect(visit.takeTrouble()).toEqual([]);
  });
});

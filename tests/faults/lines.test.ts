// What a browser comes back to. F8: its lines go silent, and neither end is told; the server frees them, the page notices by
// itself, and both go on where they were. And a question that outlives everything that ran when it was asked.

import { routes } from '@remote-claude/contract';
import { afterTool, text, toolUse, userSays, type Rule } from '@remote-claude/scripted-model';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { signInByCookie } from '../support/calls.js';
import {
  approvalOf,
  composer,
  inChat,
  phone,
  startBrowser,
  tokensIn,
  transcript,
  untilStatus,
  useCookie,
  type TestBrowser,
  type Visit,
} from '../support/browser.js';
import { agentPid, claudePid, untilGone } from '../support/host-processes.js';
import { output, untilRunning } from '../support/inside.js';
import { addMember } from '../support/people.js';
import { startProxy, type Proxy } from '../support/proxy.js';
import { openTerminal } from '../support/terminal.js';
import { enterAsViewer, type Viewer } from '../support/viewer.js';
import { until } from '../support/wait.js';
import {
  compare,
  countUntil,
  linesOf,
  openHouse,
  printLines,
  printRow,
  seconds,
  sumOf,
  tokens,
  upTo,
  type House,
} from './support.js';

let house: House;
let proxy: Proxy;
let viewer: Viewer;
let browser: TestBrowser;
let visit: Visit;

beforeAll(async () => {
  proxy = await startProxy({ to: () => house.product.url });
  house = await openHouse(
    [...['the recorder', 'the page'].map(countUntil), ...leaveMark],
    `server: { trustedOrigins: [${proxy.url}] }`,
  );
  browser = await startBrowser();
  visit = await browser.visit();
});
afterAll(async () => {
  viewer?.close();
  await browser?.close();
  await house?.close();
  await proxy?.close();
});

const command = 'echo mark >> marks.txt';
const leaveMark: Rule[] = [
  { name: 'mark', when: userSays('leave a mark'), answer: [toolUse('Bash', { command })] },
  { name: 'mark again', when: userSays(/The user has allowed it/), answer: [toolUse('Bash', { command })] },
  { name: 'marked', when: afterTool('Bash', { isError: false }), answer: [text('The mark is left.')] },
];
const whole = { lost: 0, twice: 0, wrong: 0 };
/** 30 s at a tenth, and room for a machine that does other things. */
const freedWithinMs = 3_000 + 2_500;

it('F8 frees a socket that went silent, and its viewer resumes without a gap', async () => {
  viewer = await enterAsViewer(proxy.url, house.ada, house.sessionId);
  const lines = 400;
  const terminal = await openTerminal(viewer);
  terminal.type(printLines(lines));
  await terminal.until(/line-000020/);
  const turnId = await house.say('Please count until the recorder.');
  await until(() => viewer.messages().some(({ type }) => type === 'claude-stream'), { what: 'the answer to stream' });
  expect(proxy.open()).toBe(1);
  proxy.strand();
  const silentAt = performance.now();
  house.model.control.release('the recorder');
  await until(() => proxy.gone('far') === 1, { what: 'the server to free the socket', timeoutMs: 20_000 });
  const freedMs = performance.now() - silentAt;
  await house.endOf(turnId);
  // Nobody told this end; it notices by itself.
  expect(proxy.gone('near')).toBe(0);
  viewer.cut();
  const backAt = performance.now();
  await viewer.event('turn.ended', (event) => event.turnId === turnId);
  const backMs = performance.now() - backAt;
  await terminal.until(/all-there/);
  const chat = compare(house.tokensOf(turnId, viewer), upTo(tokens));
  const screen = compare(linesOf(terminal), upTo(lines));
  printRow('F8', `socket half open, freed after ${seconds(freedMs)} (at a tenth)`, sumOf(chat, screen), backMs);
  expect({ chat, screen }).toEqual({ chat: whole, screen: whole });
  expect([viewer.gaps(), viewer.repeats(), terminal.gaps(), terminal.repeats()]).toEqual([[], [], [], []]);
  expect(freedMs).toBeLessThan(freedWithinMs);
});

it('F8 a page notices within 25 s of its own clock, and draws what it missed', async () => {
  const { page } = visit;
  await page.clock.install();
  await useCookie(visit, { ...house.product, url: proxy.url }, await signInByCookie(house.product, house.ada));
  await page.goto(`${proxy.url}/sessions/${house.sessionId}`);
  await untilStatus(page, 'idle');
  await composer(page).fill('Please count until the page.');
  await composer(page).press('Enter');
  await house.model.control.untilWaiting('the page');
  await inChat(page, /token-0040/).waitFor();
  const lost = page.getByText('Connection lost.');

  // Its clock goes by hand from here; its sockets do not.
  await page.clock.pauseAt(await page.evaluate(() => Date.now() + 2_000));
  proxy.freeze();
  await page.clock.runFor(5_000);
  expect(await lost.count()).toBe(0);
  house.model.control.release('the page');
  await house.viewer.event('text', (event) => JSON.stringify(event).includes('token-0080'));
  let noticedMs = 5_000;
  for (; noticedMs < 40_000 && (await lost.count()) === 0; noticedMs += 500) await page.clock.runFor(500);
  const noticedAt = performance.now();
  proxy.thaw();
  await page.clock.resume();
  await inChat(page, /token-0080/).waitFor();
  await untilStatus(page, 'idle');
  const backMs = performance.now() - noticedAt;
  const drawn = tokensIn(await transcript(page)).map((token) => Number(token.slice('token-'.length)));
  const chat = compare(drawn.slice(-tokens), upTo(tokens));
  printRow('F8', `page half open, noticed after ${seconds(noticedMs)} of its clock`, chat, backMs);
  expect(chat).toEqual(whole);
  // 25 s until the line is given up, at the next pulse, and 0.9 s until a loss is said.
  expect(noticedMs).toBeLessThanOrEqual(27_500);
});

it('a question outlives server, agent and Claude, and is answered from a phone: the tool runs once', async () => {
  const { ada, viewer, product, sessionId } = house;
  await house.say('Please leave a mark.');
  const { approval } = await viewer.event('approval.asked');
  for (const pid of [await claudePid(sessionId), await agentPid(sessionId)]) {
    process.kill(pid, 'SIGKILL');
    await untilGone(pid);
  }
  await product.kill();
  const startMs = performance.now();
  await product.restart();
  await untilRunning(ada, sessionId);
  const backMs = performance.now() - startMs;

  // Who may not see the session may not answer, whatever he knows.
  const bob = await addMember(product, ada, 'Bob');
  const answer = { params: { id: sessionId, approvalId: approval.approvalId }, body: { decision: 'allow' as const } };
  await expect(bob.client.call(routes.claude.answer, answer)).rejects.toMatchObject({ code: 'not_found' });

  const second = await browser.visit(phone);
  await useCookie(second, product, await signInByCookie(product, ada));
  await second.page.goto(`${product.url}/sessions/${sessionId}`);
  const card = approvalOf(second.page, 'Bash');
  await card.waitFor();
  expect(await card.innerText()).toContain(command);
  await card.getByRole('button', { name: 'Allow once' }).click();
  await inChat(second.page, 'The mark is left.').waitFor();
  await untilStatus(second.page, 'idle');
  await card.waitFor({ state: 'detached' });
  const marks = (await output(ada, sessionId, 'cat marks.txt')).split('\n');
  await until(() => viewer.state().turn === null, { what: 'the turn to end' });
  const finished = viewer
    .events()
    .filter(({ event }) => event.type === 'tool.finished' && event.outcome === 'ok').length;
  const row = { lost: 1 - Math.min(1, marks.length), twice: marks.length - 1, wrong: finished - 1 };
  printRow('-', 'a question outlives all three, answered from a phone', row, backMs);
  expect({ marks, row }).toEqual({ marks: ['mark'], row: whole });
  expect(viewer.state().approvals).toEqual([]);
  expect(viewer.events().filter(({ event }) => event.type === 'approval.asked')).toHaveLength(1);
  expect([viewer.gaps(), viewer.repeats()]).toEqual([[], []]);
});

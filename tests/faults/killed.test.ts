// F1 to F3: the server, the agent and Claude Code are killed in the middle of an answer, beside a terminal that prints.

import { routes } from '@remote-claude/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { agentPid, claudePid, untilGone } from '../support/host-processes.js';
import { openTerminal, type RecordingTerminal } from '../support/terminal.js';
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
  untilOnDisk,
  upTo,
  type House,
} from './support.js';

let house: House;
let terminal: RecordingTerminal;

beforeAll(async () => {
  house = await openHouse(['the server', 'claude', 'the agent'].map(countUntil));
  terminal = await openTerminal(house.viewer);
});
afterAll(() => house?.close());

const lines = 600;
const sawNothingWrong = (): void => {
  expect([house.viewer.gaps(), house.viewer.repeats()]).toEqual([[], []]);
};
/** Put before and after each fault: what a person saved must be whole. */
const file = { path: 'kept.txt', content: 'what a person saved\n'.repeat(5_000) };

const save = async (): Promise<void> => {
  const answer = await house.ada.fetch(`/sessions/${house.sessionId}/files/${file.path}`, {
    method: 'PUT',
    headers: { 'if-none-match': '*', origin: house.product.url },
    body: file.content,
  });
  expect(answer.status).toBeLessThan(300);
};
const readBack = async (): Promise<string> =>
  (await house.ada.fetch(`/sessions/${house.sessionId}/files/${file.path}`)).text();

/** The next message is answered: nothing is stuck. */
const expectChatResumes = async (): Promise<void> => {
  const answer = await house.ada.client.call(routes.claude.chat, {
    params: { id: house.sessionId },
    body: { message: 'And now?' },
  });
  expect(answer).toMatchObject({ outcome: 'completed', message: 'Hello.' });
};

describe('kill -9', () => {
  it('F1 of the server: the turn and the terminal go on, and every number is seen once', async () => {
    const { viewer, product, model } = house;
    await save();
    terminal.type(printLines(lines));
    await terminal.until(/line-000050/);
    const turnId = await house.say('Please count until the server.');
    await house.untilStreamed(turnId, 30);
    const killedAt = performance.now();
    await product.kill();
    model.control.release('the server');
    await product.restart();
    const ended = await house.endOf(turnId, 90_000);
    const recoveryMs = performance.now() - killedAt;
    expect(ended.outcome).toBe('completed');
    await terminal.until(/all-there/);
    const chat = compare(house.tokensOf(turnId), upTo(tokens));
    const screen = compare(linesOf(terminal), upTo(lines));
    printRow('F1', 'kill -9 of the server in mid-stream', sumOf(chat, screen), recoveryMs);
    expect({ chat, screen, gaps: terminal.gaps(), repeats: terminal.repeats() }).toEqual({
      chat: { lost: 0, twice: 0, wrong: 0 },
      screen: { lost: 0, twice: 0, wrong: 0 },
      gaps: [],
      repeats: [],
    });
    expect(await readBack()).toBe(file.content);
    sawNothingWrong();
    expect(viewer.state().approvals).toEqual([]);
  });

  it('F3 of Claude Code: interrupted with its partial text, and the terminal untouched', async () => {
    const before = terminal.text().length;
    terminal.type(printLines(lines));
    await until(() => /line-000020/.test(terminal.text().slice(before)), { what: 'the terminal to print again' });
    const turnId = await house.say('Please count until claude.');
    await house.untilStreamed(turnId, 30);
    const pid = await claudePid(house.sessionId);
    const killedAt = performance.now();
    process.kill(pid, 'SIGKILL');
    const ended = await house.endOf(turnId, 10_000);
    const interruptedMs = performance.now() - killedAt;
    house.model.control.release('claude');
    expect(ended.outcome).toBe('interrupted');
    const kept = house.tokensOf(turnId);
    expect(kept.length).toBeGreaterThanOrEqual(30);
    const chat = compare(kept, upTo(kept.length));
    await expectChatResumes();
    const recoveryMs = performance.now() - killedAt;
    await until(() => /all-there/.test(terminal.text().slice(before)), { what: 'the terminal to print all' });
    const seen = (
      terminal
        .text()
        .slice(before)
        .match(/line-\d{6}(?=\r?\n)/g) ?? []
    ).map((line) => Number(line.slice(5)));
    const screen = compare(seen, upTo(lines));
    printRow(
      'F3',
      `kill -9 of Claude Code, interrupted after ${seconds(interruptedMs)}`,
      sumOf(chat, screen),
      recoveryMs,
    );
    expect({ chat, screen }).toEqual({
      chat: { lost: 0, twice: 0, wrong: 0 },
      screen: { lost: 0, twice: 0, wrong: 0 },
    });
    expect(await readBack()).toBe(file.content);
    sawNothingWrong();
  });

  it('F2 of the agent: interrupted at once, the partial text when it is back, terminals ended but readable', async () => {
    const turnId = await house.say('Please count until the agent.');
    await untilOnDisk(house, 40);
    const pid = await agentPid(house.sessionId);
    const killedAt = performance.now();
    process.kill(pid, 'SIGKILL');
    const ended = await house.endOf(turnId, 10_000);
    const interruptedMs = performance.now() - killedAt;
    expect(ended.outcome).toBe('interrupted');
    await untilGone(pid);
    await until(() => house.tokensOf(turnId).length > 0, { what: 'the partial text', timeoutMs: 15_000 });
    const backMs = performance.now() - killedAt;
    const kept = house.tokensOf(turnId);
    const chat = compare(kept, upTo(kept.length));
    house.model.control.release('the agent');
    await expectChatResumes();
    printRow('F2', `kill -9 of the agent, interrupted after ${seconds(interruptedMs)}`, chat, backMs);
    expect(chat).toEqual({ lost: 0, twice: 0, wrong: 0 });
    expect(kept).toEqual(upTo(40));
    await house.viewer.event('terminal.ended', (event) => event.terminalId === terminal.id);
    // As whoever comes now sees it.
    house.viewer.send('terminal', { action: 'attach', terminalId: terminal.id });
    const screen = await until(() => terminal.screens().find(({ ended: over }) => over), {
      what: 'the screen of the ended terminal',
    });
    expect(screen.screen).toContain('all-there');
    expect(await readBack()).toBe(file.content);
    sawNothingWrong();
  });
});

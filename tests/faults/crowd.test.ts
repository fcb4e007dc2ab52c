// Viewers that read slowly or not at all (F12), and a model that fails (F18).

import { readFile } from 'node:fs/promises';
import {
  error,
  gate,
  halfStream,
  numbered,
  silence,
  text,
  userSays,
  type Rule,
  type Step,
} from '@remote-claude/scripted-model';
import { routes } from '@remote-claude/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { openTerminal, type RecordingTerminal } from '../support/terminal.js';
import { enterAsViewer, type Viewer } from '../support/viewer.js';
import { until } from '../support/wait.js';
import {
  compare,
  countUntil,
  greet,
  linesOf,
  openHouse,
  printLines,
  printRow,
  sumOf,
  tokens,
  upTo,
  type House,
} from './support.js';

const whole = { lost: 0, twice: 0, wrong: 0 };
const longAnswer: Rule = { name: 'long', when: userSays('much'), answer: [text('much '.repeat(10_000))] };
const fewTokens = 20;
let house: House;
const viewers: Viewer[] = [];

beforeAll(async () => {
  house = await openHouse([countUntil('the crowd'), longAnswer]);
});
afterAll(async () => {
  for (const viewer of viewers) viewer.close();
  await house?.close();
});

const enter = async (): Promise<Viewer> => {
  const viewer = await enterAsViewer(house.product.url, house.ada, house.sessionId);
  viewers.push(viewer);
  return viewer;
};

describe('F12', () => {
  const crowdSize = 8;
  const mebibyte = 1024 * 1024;
  const loadBytes = 20 * mebibyte;
  /** What the server's memory moves by on its own under such a load: garbage that is not yet collected. */
  const noiseBytes = 64 * mebibyte;

  /** Memory of the server's own, without files and the system's buffers of sockets. */
  const serverBytes = async (): Promise<number> => {
    const status = await readFile(`/proc/${house.product.pid()}/status`, 'utf8');
    return Number(/RssAnon:\s+(\d+) kB/.exec(status)?.[1] ?? Number.NaN) * 1024;
  };
  /** As much as can be printed, a stream, and long answers: what each viewer would have to be told. */
  const load = async (printer: RecordingTerminal, name: string): Promise<void> => {
    printer.type(`stty -echo; head -c ${loadBytes} /dev/zero | tr '\\0' x | fold -w 79; echo; echo ${name}''-done\r`);
    for (let count = 0; count < 5; count += 1) {
      const body = { message: `Please say much, ${name} ${count}.` };
      await house.ada.client.call(routes.claude.chat, { params: { id: house.sessionId }, body });
    }
    const isDone = () =>
      printer.text().slice(-4_000).includes(`${name}-done`) ||
      printer.screens().some(({ screen }) => screen.includes(`${name}-done`));
    await until(isDone, {
      what: () => `${name} to be printed; it ends ${JSON.stringify(printer.text().slice(-200))}`,
      timeoutMs: 120_000,
    });
  };

  it('viewers that read slowly or not at all cost a mebibyte each, disturb nobody, and end with what all have', async () => {
    const mine = await openTerminal(house.viewer);
    const printer = await openTerminal(await enter());
    await load(printer, 'first');
    const before = await serverBytes();

    const crowd = await Promise.all(Array.from({ length: crowdSize }, enter));
    for (const viewer of crowd) {
      viewer.send('terminal', { action: 'attach', terminalId: printer.id });
      // Credit for what it will not read.
      viewer.send('terminal', { action: 'ack', terminalId: printer.id, offset: 1_000_000_000 });
    }
    for (const viewer of crowd) viewer.hold();
    const slow = crowd.slice(crowdSize / 2);
    const pulse = setInterval(() => {
      for (const viewer of slow) viewer.read();
      setTimeout(() => slow.forEach((viewer) => viewer.hold()), 10);
    }, 250);
    let most = before;
    const watch = setInterval(() => {
      void serverBytes().then(
        (now) => (most = Math.max(most, now)),
        () => {},
      );
    }, 100);
    const startMs = performance.now();
    mine.type(printLines(200));
    const turnId = await house.say('Please count until the crowd.');
    house.model.control.release('the crowd');
    await load(printer, 'second');
    await mine.until(/all-there/);
    await house.endOf(turnId);
    clearInterval(pulse);
    clearInterval(watch);
    const loadMs = performance.now() - startMs;

    for (const viewer of crowd) viewer.read();
    const backAt = performance.now();
    const head = house.viewer.events().at(-1)?.seq ?? 0;
    for (const viewer of crowd) {
      await until(() => (viewer.events().at(-1)?.seq ?? 0) >= head, { what: 'a slow viewer to have all' });
      const screens: string[] = [];
      viewer.onMessage((message) => {
        if (message.type === 'terminal-screen' && message.payload.terminalId === printer.id)
          screens.push(message.payload.screen);
      });
      await until(
        () => {
          if (screens.length === 0) viewer.send('terminal', { action: 'attach', terminalId: printer.id });
          return screens.some((screen) => screen.includes('second-done'));
        },
        { what: 'a slow viewer to see the screen' },
      );
    }
    const backMs = performance.now() - backAt;
    const grownBytes = Math.max(0, most - before);
    const broken = crowd.filter((viewer) => viewer.gaps().length + viewer.repeats().length > 0).length;
    const chat = compare(house.tokensOf(turnId), upTo(tokens));
    const screen = compare(linesOf(mine), upTo(200));
    const row = { ...sumOf(chat, screen), wrong: chat.wrong + screen.wrong + broken };
    const what = `${crowdSize} slow viewers, ${Math.round(grownBytes / mebibyte)} MiB more in ${Math.round(loadMs / 1000)} s`;
    printRow('F12', what, row, backMs);
    expect({ chat, screen, broken }).toEqual({ chat: whole, screen: whole, broken: 0 });
    for (const viewer of crowd) expect(viewer.state()).toEqual(house.viewer.state());
    expect(grownBytes).toBeLessThan(crowdSize * mebibyte + noiseBytes);
  });
});

describe('F18', () => {
  /** Numbers of tokens that are kept, usage as it was counted, and how the turn ended. */
  const outcomeOf = async (rules: Rule[], act?: () => Promise<unknown>) => {
    const startMs = performance.now();
    house.model.control.setScript([...rules, greet]);
    const turnId = await house.say('Please try.');
    await act?.();
    const { outcome, reason } = await house.endOf(turnId, 90_000);
    const tookMs = performance.now() - startMs;
    // The next message is answered, behind all that belongs to this one.
    const next = await house.ada.client.call(routes.claude.chat, {
      params: { id: house.sessionId },
      body: { message: 'And now?' },
    });
    expect(next).toMatchObject({ outcome: 'completed', message: 'Hello.' });
    expect([house.viewer.gaps(), house.viewer.repeats()]).toEqual([[], []]);
    const counted = house.viewer
      .events()
      .filter(({ event }) => event.type === 'usage.recorded' && event.turnId === turnId).length;
    return { outcome, reason, kept: house.tokensOf(turnId), counted, tookMs };
  };
  const answers = (...answer: readonly Step[]): Rule => ({
    name: 'answers',
    when: userSays('try'),
    answer,
  });
  const failsOnce = (...answer: readonly Step[]): Rule => ({ ...answers(...answer), name: 'fails', times: 1 });

  it.each([
    ['429', [error(429, { retryAfterS: 1 })]],
    ['529', [error(529)]],
    ['half a stream', [numbered(12, { delayMs: 5 }), halfStream(0)]],
  ] as const)('%s is tried again, and the answer is there and counted once', async (name, failure) => {
    const { outcome, kept, counted, tookMs } = await outcomeOf([failsOnce(...failure), answers(numbered(fewTokens))]);
    const row = compare(kept, upTo(fewTokens));
    printRow('F18', `${name}, tried again`, row, tookMs);
    expect({ outcome, row }).toEqual({ outcome: 'completed', row: whole });
    // Half an answer costs as well.
    expect(counted).toBeGreaterThanOrEqual(1);
    expect(counted).toBeLessThanOrEqual(name === 'half a stream' ? 2 : 1);
  });

  it('a refusal ends the turn with its reason', async () => {
    const { outcome, reason, kept, tookMs } = await outcomeOf([answers(error(401))]);
    printRow('F18', 'refused for good', compare(kept, []), tookMs);
    expect({ outcome, kept }).toEqual({ outcome: 'failed', kept: [] });
    expect(reason).toMatch(/key/i);
  });

  it('silence in the middle is ended by a person, and what was written is kept', async () => {
    const act = async (): Promise<void> => {
      await house.model.control.untilWaiting('hush');
      await house.ada.client.call(routes.claude.interrupt, { params: { id: house.sessionId }, body: {} });
    };
    const { outcome, kept, tookMs } = await outcomeOf(
      [answers(numbered(fewTokens, { delayMs: 5 }), gate('hush'), silence(60_000))],
      act,
    );
    const row = compare(kept, upTo(fewTokens));
    printRow('F18', 'silence, interrupted by a person', row, tookMs);
    expect({ outcome, row }).toEqual({ outcome: 'interrupted', row: whole });
  });
});

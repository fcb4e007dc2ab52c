// The line between server and agent: silent for a minute (F7), and saying everything twice and old things again (F15).

import type { CommandId, EventOf } from '@remote-claude/contract';
import { AppError, routes } from '@remote-claude/contract';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { standBeforeAgent, tamperFrames } from '../support/agent-line.js';
import { agentPid } from '../support/host-processes.js';
import { untilRunning } from '../support/inside.js';
import { driverOf } from '../support/product.js';
import type { Proxy } from '../support/proxy.js';
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
  upTo,
  type House,
} from './support.js';

let house: House;
let proxy: Proxy;
let terminal: RecordingTerminal;
/** What the line says again: each frame at once, and some older one of the same end behind it. */
let repeats = false;
const said: Record<'near' | 'far', Buffer[]> = { near: [], far: [] };
let repeated = 0;

const whole = { lost: 0, twice: 0, wrong: 0 };
const lines = 600;
/** 60 s at a tenth. */
const awayMs = 6_000;

beforeAll(async () => {
  house = await openHouse(['the line', 'the echo'].map(countUntil));
  terminal = await openTerminal(house.viewer);
  proxy = await standBeforeAgent(
    house.product,
    tamperFrames((from, frame) => {
      const old = said[from][Math.floor(said[from].length / 2)];
      if (said[from].length < 2_000) said[from].push(Buffer.from(frame));
      if (!repeats) return [frame];
      repeated += 1;
      return old === undefined ? [frame, frame] : [frame, frame, old];
    }),
  );
  const hellos = () => house.viewer.messages().filter(({ type }) => type === 'hello').length;
  const before = hellos();
  await house.product.kill();
  await house.product.restart();
  await until(() => hellos() > before, { what: 'the viewer to be back' });
  await untilRunning(house.ada, house.sessionId);
  await until(() => proxy.taken() > 0, { what: 'the line through the proxy' });
});
afterAll(async () => {
  await proxy?.close();
  await house?.close();
});

const placesOf = async (): Promise<string[]> => {
  const driver = driverOf(house.product.dataDir);
  const places = (await driver.list()).map(({ placeId }) => placeId);
  await driver.close();
  return places;
};
const linesSince = (before: number): number[] => linesOf({ ...terminal, text: () => terminal.text().slice(before) });

it('F7 an agent that nobody reaches for a minute goes on, and no second one is started', async () => {
  const { ada, viewer, sessionId } = house;
  const before = terminal.text().length;
  const [places, pid] = [await placesOf(), await agentPid(sessionId)];
  terminal.type(printLines(lines));
  await until(() => linesSince(before).length > 50, { what: 'the terminal to print' });
  const turnId = await house.say('Please count until the line.');
  await house.untilStreamed(turnId, 30);
  proxy.freeze();
  const awayAt = performance.now();
  house.model.control.release('the line');
  const shown = await until(
    async () => {
      const session = await ada.client.call(routes.sessions.get, { params: { id: sessionId } });
      return session.shown === 'unreachable' ? session : null;
    },
    { what: 'the session to be called unreachable', timeoutMs: 20_000 },
  );
  const noticedMs = performance.now() - awayAt;
  expect(shown.reason).toMatch(/may still be running/);
  expect(shown.status).toBe('running');
  // What is said meanwhile is kept; what only the agent can do is refused, with what to do.
  const { messageId } = await ada.client.call(routes.claude.chat, {
    params: { id: sessionId },
    body: { message: 'Said meanwhile', wait: false },
  });
  const askedAt = performance.now();
  const refused = await ada.client
    .call(routes.files.list, { params: { id: sessionId } })
    .catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(AppError);
  expect((refused as AppError).code).toBe('place_unreachable');
  // As long as one attempt may take, and not as long as an agent may think.
  expect(performance.now() - askedAt).toBeLessThan(20_000);
  await until(() => performance.now() - awayAt > awayMs, { what: 'the minute to be over' });
  expect([await placesOf(), await agentPid(sessionId)]).toEqual([places, pid]);

  proxy.thaw();
  const backAt = performance.now();
  expect((await house.endOf(turnId)).outcome).toBe('completed');
  const backMs = performance.now() - backAt;
  await until(() => /all-there/.test(terminal.text().slice(before)), { what: 'all lines' });
  await viewer.event('turn.started', ({ messageIds }) => messageIds.includes(messageId));
  await untilIdle();
  const chat = compare(house.tokensOf(turnId), upTo(tokens));
  const screen = compare(linesSince(before), upTo(lines));
  const what = `agent unreachable for ${seconds(awayMs)}, said after ${seconds(noticedMs)} (at a tenth)`;
  printRow('F7', what, sumOf(chat, screen), backMs);
  expect({ chat, screen }).toEqual({ chat: whole, screen: whole });
  expect([viewer.gaps(), viewer.repeats(), terminal.gaps(), terminal.repeats()]).toEqual([[], [], [], []]);
  expect([await placesOf(), await agentPid(sessionId)]).toEqual([places, pid]);
  expect((await ada.client.call(routes.sessions.get, { params: { id: sessionId } })).reason).toBeNull();
});

const untilIdle = () =>
  until(() => house.viewer.state().turn === null && house.viewer.state().queue.length === 0, {
    what: 'nothing to run or wait',
  });

it('F15 messages that come twice, out of order and from before act once', async () => {
  const { viewer, ada, sessionId } = house;
  await untilIdle();
  const startAt = performance.now();
  const from = viewer.events().at(-1)?.seq ?? 0;
  repeats = true;

  // The same command over the socket and as a request, again and again, before and after it was done.
  const id = crypto.randomUUID() as CommandId;
  const say = () => viewer.send('claude', { prompt: 'Please count until the echo.' }, id);
  for (let count = 0; count < 5; count += 1) say();
  const { turnId } = await viewer.event('turn.started', ({ messageIds }) => messageIds.includes(id));
  await house.untilStreamed(turnId, 30);
  say();
  house.model.control.release('the echo');
  expect((await house.endOf(turnId)).outcome).toBe('completed');
  say();
  const key = crypto.randomUUID();
  const ask = () =>
    ada.fetch(`/sessions/${sessionId}/claude/chat`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': key },
      body: JSON.stringify({ message: 'Once only', wait: false }),
    });
  const answers = await Promise.all([ask(), ask(), ask()]);
  const bodies = new Set(await Promise.all(answers.map((answer) => answer.text())));
  expect(answers.map(({ status }) => status)).toEqual([202, 202, 202]);
  expect(bodies.size).toBe(1);

  // Typing has numbers: one that was typed is not typed again.
  const typedAt = terminal.text().length;
  terminal.type('echo line-000001\r');
  await until(() => linesSince(typedAt).length > 0, { what: 'the first line' });
  terminal.again('echo line-000009\r');
  terminal.type('echo line-000002\r');
  terminal.again('echo line-000009\r');
  terminal.type('echo line-000003\r');
  await until(() => linesSince(typedAt).includes(3), { what: 'the last line' });

  await untilIdle();
  await until(() => told('message.user').length >= 2, { what: 'both messages' });
  repeats = false;
  // One that follows what all of it came before.
  await ada.client.call(routes.claude.chat, { params: { id: sessionId }, body: { message: 'And now?' } });
  const all = viewer.events().filter(({ seq }) => seq > from);
  const messages = all.filter(({ event }) => event.type === 'message.user');
  const turns = all.filter(({ event }) => event.type === 'turn.started');
  const chat = compare(house.tokensOf(turnId), upTo(tokens));
  const typed = compare(linesSince(typedAt), upTo(3));
  const commands = {
    lost: Math.max(0, 3 - turns.length),
    twice: Math.max(0, turns.length - 3),
    wrong: messages.length - 3,
  };
  printRow(
    'F15',
    `${repeated} messages repeated, old ones replayed`,
    sumOf(chat, typed, commands),
    performance.now() - startAt,
  );
  expect({ chat, typed, commands }).toEqual({ chat: whole, typed: whole, commands: whole });
  expect(repeated).toBeGreaterThan(20);
  expect([viewer.gaps(), viewer.repeats()]).toEqual([[], []]);

  function told<T extends 'message.user'>(type: T): EventOf<T>[] {
    return viewer
      .events()
      .flatMap(({ seq, event }) => (seq > from && event.type === type ? [event as EventOf<T>] : []));
  }
});

// A model that refuses, breaks off or says nothing: each turn is retried by policy or ends with its reason, what was
// written is kept or replaced, and it is counted once.

import { routes, type EventOf, type SessionId, type TurnId } from '@remote-claude/contract';
import {
  always,
  error,
  gate,
  halfStream,
  numbered,
  silence,
  start,
  text,
  userSays,
  type Rule,
  type ScriptedModel,
} from '@remote-claude/scripted-model';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { startSession } from '../support/inside.js';
import { configFor, startModel } from '../support/model.js';
import { setUpAdmin, type Person } from '../support/people.js';
import { startProduct, type Product } from '../support/product.js';
import { endOfTurn, sayIn } from '../support/turns.js';
import { openViewer, type Viewer } from '../support/viewer.js';
import { until } from '../support/wait.js';

let model: ScriptedModel;
let product: Product;
let ada: Person;
let sessionId: SessionId;
let viewer: Viewer;

const hello: Rule = { name: 'hello', when: always, answer: [text('Hello.')] };
const words = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `token-${String(index + 1).padStart(4, '0')}`);

beforeAll(async () => {
  model = await startModel([hello]);
  product = await startProduct({ config: configFor(model) });
  ada = await setUpAdmin(product);
  sessionId = (await startSession(ada, { name: 'Model errors' })).id;
  viewer = openViewer(product.url, ada, sessionId);
  // The process of Claude Code is up and its side calls are over.
  await ada.client.call(routes.claude.chat, { params: { id: sessionId }, body: { message: 'Hi' } });
});

afterAll(async () => {
  viewer?.close();
  await product?.close();
  await model?.close();
});

const say = (message: string): Promise<TurnId> => sayIn(ada, sessionId, viewer, message);
const endOf = (turnId: TurnId, timeoutMs?: number) => endOfTurn(viewer, turnId, timeoutMs);
const interrupt = () => ada.client.call(routes.claude.interrupt, { params: { id: sessionId }, body: {} });
const eventsOf = (turnId: TurnId) =>
  viewer.events().flatMap(({ event }) => ('turnId' in event && event.turnId === turnId ? [event] : []));
const textOf = (turnId: TurnId): string =>
  eventsOf(turnId)
    .flatMap((event) => (event.type === 'text' ? [event.text.text] : []))
    .join('|');
const notices = (kind: string): string[] =>
  viewer
    .messages()
    .flatMap((message) => (message.type === 'notice' && message.payload.kind === kind ? [message.payload.text] : []));

/** Usage is settled behind the answer; then it stays what it is. */
const usageOf = async (turnId: TurnId): Promise<EventOf<'usage.recorded'>[]> => {
  const find = () =>
    viewer.events().flatMap(({ event }) => (event.type === 'usage.recorded' && event.turnId === turnId ? [event] : []));
  await until(() => find().length > 0, { what: 'the usage to be recorded' });
  return find();
};

/** Nothing is stuck: the next message is answered. */
const expectWell = async (): Promise<void> => {
  model.control.setScript([hello]);
  const answer = await ada.client.call(routes.claude.chat, {
    params: { id: sessionId },
    body: { message: 'And now?' },
  });
  expect(answer).toMatchObject({ outcome: 'completed', message: 'Hello.' });
  expect(viewer.state().approvals).toEqual([]);
  expect(viewer.state().queue).toEqual([]);
  expect([viewer.gaps(), viewer.repeats()]).toEqual([[], []]);
};

describe('a model that fails for a moment', () => {
  it.each([
    ['429 with Retry-After', error(429, { retryAfterS: 1 }), /too many requests/i],
    ['529', error(529), /overloaded/i],
    ['500', error(500), /error \(500\)/i],
  ] as const)('%s, twice: it is asked again, and the answer counts once', async (name, failure, sentence) => {
    model.control.setScript([
      { name: `fails ${name}`, when: userSays('try'), answer: [failure], times: 2 },
      { name: `works ${name}`, when: always, answer: [numbered(20)] },
    ]);
    const before = notices('model-retry').length;
    const turnId = await say('try it');
    expect(await endOf(turnId)).toMatchObject({ outcome: 'completed', reason: null });
    expect(textOf(turnId).match(/token-\d+/g)).toEqual(words(20));
    const told = notices('model-retry').slice(before);
    expect(told.length).toBeGreaterThanOrEqual(2);
    for (const line of told) expect(line).toMatch(sentence);
    const usage = await usageOf(turnId);
    expect(usage).toHaveLength(1);
    expect(usage[0]?.usage.outputTokens).toBeGreaterThan(0);
    await expectWell();
  });

  it('half a stream: what came is replaced, not doubled', async () => {
    model.control.setScript([
      { name: 'half', when: userSays('halve'), answer: [numbered(12, { delayMs: 20 }), halfStream(0)], times: 1 },
      { name: 'whole', when: always, answer: [numbered(20, { delayMs: 5 })] },
    ]);
    const turnId = await say('halve it');
    expect(await endOf(turnId)).toMatchObject({ outcome: 'completed' });
    expect(textOf(turnId).match(/token-\d+/g)).toEqual(words(20));
    expect(eventsOf(turnId).filter(({ type }) => type === 'block.interrupted')).toEqual([]);
    const streamed = viewer.messages().filter((message) => message.type === 'block-dropped');
    expect(streamed.length).toBeGreaterThan(0);
    // Both answers cost; each is counted once.
    expect((await usageOf(turnId)).length).toBeLessThanOrEqual(2);
    await expectWell();
  });

  it('an error in the middle of the stream', async () => {
    model.control.setScript([
      { name: 'breaks', when: userSays('break'), answer: [numbered(8, { delayMs: 10 }), error(529)], times: 1 },
      { name: 'mends', when: always, answer: [numbered(15)] },
    ]);
    const turnId = await say('break it');
    expect(await endOf(turnId)).toMatchObject({ outcome: 'completed' });
    expect(textOf(turnId).match(/token-\d+/g)).toEqual(words(15));
    await expectWell();
  });

  it('a line that breaks while it waits', async () => {
    model.control.setScript([
      { name: 'waits', when: userSays('cut'), answer: [start(), gate('never')], times: 1 },
      { name: 'answers', when: always, answer: [numbered(10)] },
    ]);
    const turnId = await say('cut it');
    await model.control.untilWaiting('never');
    model.control.dropConnections();
    expect(await endOf(turnId)).toMatchObject({ outcome: 'completed' });
    expect(textOf(turnId).match(/token-\d+/g)).toEqual(words(10));
    await expectWell();
  });
});

describe('a model that fails for good', () => {
  it.each([
    ['401', error(401), /key/i],
    ['403', error(403, { message: 'Not for this site.' }), /refused: Not for this site\./],
    ['400', error(400, { message: 'messages: too strange' }), /too strange/],
    ['404', error(404), /model/i],
  ] as const)('%s ends the turn with a reason that a person understands', async (name, failure, reason) => {
    model.control.setScript([{ name: `refuses ${name}`, when: always, answer: [failure] }]);
    const turnId = await say('refuse this');
    const ended = await endOf(turnId);
    expect(ended.outcome).toBe('failed');
    expect(ended.reason).toMatch(reason);
    expect(textOf(turnId)).toBe('');
    expect(
      viewer
        .events()
        .flatMap(({ event }) =>
          event.type === 'usage.recorded' && event.turnId === turnId ? [event.usage.outputTokens] : [],
        )
        .every((tokens) => tokens === 0),
    ).toBe(true);
    await expectWell();
  });

  it('529 without an end: a person can interrupt, also between two tries', async () => {
    model.control.setScript([{ name: 'overloaded', when: always, answer: [error(529)] }]);
    const before = notices('model-retry').length;
    const turnId = await say('are you there?');
    await until(() => notices('model-retry').length > before + 1, { what: 'two tries' });
    await interrupt();
    expect(await endOf(turnId, 20_000)).toMatchObject({ outcome: 'interrupted' });
    await expectWell();
  });
});

describe('a model that says nothing', () => {
  it('before its first word: people are told, and when it speaks after all, all is well', async () => {
    model.control.setScript([
      { name: 'hesitates', when: userSays('think'), answer: [gate('hush'), numbered(5)] },
      hello,
    ]);
    const before = notices('stalled').length;
    const turnId = await say('think long');
    await until(() => notices('stalled').length > before, { what: 'the notice of the silence', timeoutMs: 60_000 });
    expect(notices('stalled').at(-1)).toMatch(/nothing has come/i);
    model.control.release('hush');
    expect(await endOf(turnId)).toMatchObject({ outcome: 'completed' });
    expect(textOf(turnId).match(/token-\d+/g)).toEqual(words(5));
    await expectWell();
  });

  it('in mid-sentence: interrupted, the part that was written is kept', async () => {
    model.control.setScript([
      { name: 'trails off', when: userSays('trail'), answer: [numbered(10, { delayMs: 5 }), silence(120_000)] },
      hello,
    ]);
    const turnId = await say('trail off');
    await until(
      () =>
        viewer
          .messages()
          .some(
            (message) =>
              message.type === 'claude-stream' &&
              message.payload.turnId === turnId &&
              message.payload.content.includes('token-0010'),
          ),
      { what: 'the part' },
    );
    await interrupt();
    expect(await endOf(turnId, 20_000)).toMatchObject({ outcome: 'interrupted' });
    const kept = eventsOf(turnId).flatMap((event) =>
      event.type === 'block.interrupted' || event.type === 'text' ? [event.text.text] : [],
    );
    expect(kept.join('|').match(/token-\d+/g)).toEqual(words(10));
    await expectWell();
  });

  it('not even an end: messages that wait behind it are answered after the interrupt', async () => {
    model.control.setScript([{ name: 'mute', when: userSays('mute'), answer: [silence(120_000)] }, hello]);
    const turnId = await say('mute');
    const waiting = ada.client.call(routes.claude.chat, {
      params: { id: sessionId },
      body: { message: 'I wait behind it' },
    });
    await until(() => viewer.state().queue.length === 1, { what: 'the message to be queued' });
    await interrupt();
    expect(await endOf(turnId, 20_000)).toMatchObject({ outcome: 'interrupted' });
    expect(await waiting).toMatchObject({ outcome: 'completed', message: 'Hello.' });
    await expectWell();
  });
});

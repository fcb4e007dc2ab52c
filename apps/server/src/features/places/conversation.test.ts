// Server and agent in one process over real sockets, the line cut in the middle.

import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { noTokens, type AgentCommand, type TurnId } from '@remote-claude/contract';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import {
  ask,
  createConversationHouse,
  ended,
  newTurn,
  patience,
  text,
  type ConversationHouse,
} from '../../testing/conversation-house.js';
import { secretOf, testTiming } from '../../testing/session-house.js';
import { startTinyAgent, type TinyAgent, type TinyAgentOptions } from '../../testing/tiny-agent.js';
import type { Places, PlacesDeps } from './index.js';

let stage: ConversationHouse;
let house: ConversationHouse['house'];
let driver: ConversationHouse['driver'];
let places: Places;
let claude: ConversationHouse['claude'];
let onCommand: TinyAgentOptions['onCommand'];

beforeEach(async () => {
  stage = await createConversationHouse();
  ({ house, driver, claude } = stage);
  onCommand = undefined;
  stage.settings.onCommand = (agent, command) => onCommand?.(agent, command);
  places = house.newPlaces(driver);
});
afterEach(async () => {
  await places.close();
  await stage.close();
});

const agentOf = (sessionId: string): TinyAgent => stage.agentOf(sessionId);
const running = () => stage.running();
const newPlaces = (change: Partial<PlacesDeps> = {}) => house.newPlaces(driver, change);
const eventsOf = (sessionId: string) => house.events.read(sessionId, { after: 0 }, 500);
/** Answers each prompt in one turn. */
const parrot: NonNullable<TinyAgentOptions['onCommand']> = (agent, command) => {
  if (command.type !== 'prompt') return;
  const turnId = newTurn();
  agent.propose({ type: 'turn.started', turnId, messageIds: [command.id] }, [command.id]);
  agent.propose(ended(turnId, `You said ${command.prompt}`));
};

describe('a conversation', () => {
  test('a message reaches the agent, and the caller gets the answer of its own turn', async () => {
    onCommand = parrot;
    const { person, id } = await running();
    const act = { ...person, sessionId: id };
    const signal = new AbortController().signal;
    const { messageId } = await claude.send(act, 'hello');
    expect(await claude.wait(id, messageId, signal)).toMatchObject({
      messageId,
      outcome: 'completed',
      message: 'You said hello',
      usage: noTokens,
    });
    expect((await house.sessions.get(id)).shown).toBe('idle');
    expect(await house.commands.pending(id, 0, 10)).toEqual([]);
  });

  test('the same id is done once and answered alike; with other words it is refused', async () => {
    onCommand = parrot;
    const { person, id } = await running();
    const act = { ...person, sessionId: id, id: randomUUID() as never };
    const signal = new AbortController().signal;
    const first = await claude.send(act, 'once');
    const answer = await claude.wait(id, first.messageId, signal);
    expect(await claude.send(act, 'once')).toEqual(first);
    expect(await claude.wait(id, first.messageId, signal)).toEqual(answer);
    await expect(claude.send(act, 'other')).rejects.toMatchObject({ code: 'conflict' });
    expect((await eventsOf(id)).filter(({ event }) => event.type === 'message.user')).toHaveLength(1);
  });

  test('a message to a session that is still starting waits; to a stopped one it is refused', async () => {
    onCommand = parrot;
    const person = await house.person();
    const release = driver.hold('start');
    const { id } = await house.sessions.create(person, {});
    const act = { ...person, sessionId: id };
    const { messageId } = await claude.send(act, 'early');
    release();
    expect(await claude.wait(id, messageId, new AbortController().signal)).toMatchObject({ message: 'You said early' });
    await house.sessions.stop(id, person);
    await expect(claude.send(act, 'late')).rejects.toMatchObject({ code: 'session_not_running' });
  });

  test('an interrupt is for one turn: the named one, or the one that runs when it is given', async () => {
    const told: unknown[] = [];
    onCommand = (_agent, command) => void (command.type === 'interrupt' && told.push(command.turnId));
    const { person, id } = await running();
    const act = { ...person, sessionId: id };
    const [turnId, earlier] = [newTurn(), newTurn()];
    await claude.interrupt(act);
    const messageId = randomUUID() as never;
    agentOf(id).propose({ type: 'turn.started', turnId, messageIds: [messageId] });
    await vi.waitFor(async () => expect((await house.sessions.get(id)).shown).toBe('working'), patience);
    const repeated = { ...act, id: randomUUID() as never };
    await claude.interrupt(repeated);
    await claude.interrupt(act, { turnId: earlier });
    await claude.interrupt(act, { messageId });
    await claude.interrupt(act, { messageId: randomUUID() as never });
    await vi.waitFor(() => expect(told).toEqual([null, turnId, earlier, turnId, null]), patience);
    agentOf(id).propose(ended(turnId, null));
    await vi.waitFor(async () => expect((await house.sessions.get(id)).shown).toBe('idle'), patience);
    await expect(claude.interrupt(repeated)).resolves.toEqual({ commandId: repeated.id });
  });

  test.each([
    [2, 'always'],
    [1, 'once'],
  ])('an agent of version %d is told what it knows, and the rest is refused', async (spoken, scope) => {
    onCommand = parrot;
    stage.settings.version = spoken;
    const { person, id } = await running();
    const messageId = randomUUID() as never;
    const told: AgentCommand[] = [
      { id: randomUUID() as never, type: 'rewind', what: 'both', target: { messageId } },
      { id: randomUUID() as never, type: 'checkpoint' },
      {
        id: randomUUID() as never,
        type: 'answer',
        approvalId: 'a' as never,
        answer: { decision: 'allow', scope: 'always' },
      },
    ];
    for (const command of told)
      await house.database.transaction(async (trx) => {
        await house.events.lock(trx, id);
        await house.commands.enqueue(trx, { sessionId: id, author: person.actor.userId, command });
      });
    const said = await claude.send({ ...person, sessionId: id }, 'hello');
    const signal = new AbortController().signal;
    expect(await claude.wait(id, said.messageId, signal)).toMatchObject({ message: 'You said hello' });
    const heard = agentOf(id).control.flatMap((message) => (message.type === 'command' ? [message.command] : []));
    expect(heard).toMatchObject([{ type: 'answer', answer: { scope } }, { type: 'prompt' }]);
    const refused = (await eventsOf(id)).flatMap(({ event }) => (event.type === 'command.refused' ? [event] : []));
    expect(refused).toMatchObject([
      { commandId: told[0]?.id, command: 'rewind', reason: expect.stringContaining('start it again') },
      { commandId: told[1]?.id, command: 'checkpoint' },
    ]);
    expect((await house.commands.pending(id, 0, 10)).map(({ command }) => command.type)).toEqual(['answer']);
  });

  test('the line is cut again and again while it speaks: nothing is lost, nothing is there twice', async () => {
    const { id } = await running();
    const agent = agentOf(id);
    const turnId = newTurn();
    agent.propose({ type: 'turn.started', turnId, messageIds: [] });
    const count = 300;
    for (let n = 1; n <= count; n += 1) {
      agent.propose(text(turnId, n));
      if (n % 37 === 0) agent.cut();
      if (n % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    agent.propose(ended(turnId, 'done'));
    await vi.waitFor(() => expect(agent.unacknowledged()).toBe(0), patience);
    const all = await house.events.read(id, { after: 0 }, 500);
    const said = all.flatMap(({ event }) => (event.type === 'text' ? [Number(event.text.text)] : []));
    expect(said).toEqual(Array.from({ length: count }, (_, index) => index + 1));
    expect(all.map(({ seq }) => seq)).toEqual(all.map((_, index) => index + 1));
    expect(agent.rejected).toEqual([]);
  });

  test('a new session-manager finds the place that runs and goes on; nothing is started again', async () => {
    const { id } = await running();
    const agent = agentOf(id);
    const turnId = newTurn();
    agent.propose({ type: 'turn.started', turnId, messageIds: [] });
    await vi.waitFor(() => expect(agent.unacknowledged()).toBe(0), patience);
    await places.close();
    agent.propose(text(turnId, 1));
    agent.propose(ended(turnId, 'done'));
    const starts = driver.calls.filter(({ verb }) => verb === 'start').length;
    places = newPlaces();
    await places.start();
    await vi.waitFor(() => expect(agent.unacknowledged()).toBe(0), patience);
    expect(driver.calls.filter(({ verb }) => verb === 'start')).toHaveLength(starts);
    expect((await eventsOf(id)).at(-1)?.event).toMatchObject({ type: 'turn.ended', outcome: 'completed' });
  });

  test('killed in its turn: interrupted within three seconds, and the next agent is there soon', async () => {
    const { id } = await running();
    const turnId = newTurn();
    agentOf(id).propose({ type: 'turn.started', turnId, messageIds: [] });
    await vi.waitFor(async () => expect((await house.sessions.get(id)).shown).toBe('working'), patience);
    const killedMs = performance.now();
    const [place] = [...driver.world.places.values()].filter(({ spec }) => spec.sessionId === id);
    await driver.end(place?.spec.placeId ?? '', 137, 'It was killed.');
    await vi.waitFor(async () => {
      const last = (await eventsOf(id)).find(({ event }) => event.type === 'turn.ended');
      expect(last?.event).toMatchObject({ outcome: 'interrupted', reason: 'It was killed.' });
    }, patience);
    expect(performance.now() - killedMs).toBeLessThan(3_000);
    await vi.waitFor(async () => expect((await house.sessions.get(id)).shown).toBe('idle'), patience);
  });

  test('an agent that is not heard is shown as unreachable, keeps its place, and comes back', async () => {
    await places.close();
    places = newPlaces({ timing: { ...testTiming, deadMs: 150, heartbeatMs: 50 } });
    const { id } = await running();
    const starts = driver.calls.filter(({ verb }) => verb === 'start').length;
    const agent = agentOf(id);
    await agent.close();
    await vi.waitFor(async () => expect((await house.sessions.get(id)).shown).toBe('unreachable'), patience);
    const [place] = [...driver.world.places.values()];
    const { spec } = place ?? {};
    const again = await startTinyAgent({
      socketPath: join(stage.folder, `${id.slice(0, 8)}.sock`),
      secret: secretOf(spec?.placeId ?? ''),
    });
    stage.agents.set(id, again);
    await vi.waitFor(async () => expect((await house.sessions.get(id)).shown).toBe('idle'), patience);
    expect(driver.calls.filter(({ verb }) => verb === 'start')).toHaveLength(starts);
  });
});

describe('an agent that stays silent beyond the grace', () => {
  const silence = { ...testTiming, deadMs: 300, heartbeatMs: 100, unreachableGraceMs: 2_000 };

  test('is ended with its place, and only then is another started', async () => {
    await places.close();
    places = newPlaces({ timing: silence });
    const { id } = await running();
    const agent = agentOf(id);
    const turnId = newTurn();
    agent.propose({ type: 'turn.started', turnId, messageIds: [] });
    await vi.waitFor(() => expect(agent.unacknowledged()).toBe(0), patience);
    const [first] = [...driver.world.places.keys()];
    // It lives, as far as the engine knows, and answers nobody.
    await agent.close();
    await vi.waitFor(async () => expect((await house.sessions.get(id)).shown).toBe('idle'), patience);
    const verbs = driver.calls.filter(({ verb }) => verb === 'start' || verb === 'stop').map(({ verb }) => verb);
    expect(verbs).toEqual(['start', 'stop', 'start']);
    expect([...driver.world.places].map(([placeId, { status }]) => [placeId === first, status])).toEqual([
      [true, 'stopped'],
      [false, 'running'],
    ]);
    const events = (await eventsOf(id)).map(({ event }) => event);
    expect(events.filter(({ type }) => type === 'turn.ended')).toMatchObject([{ turnId, outcome: 'interrupted' }]);
    const shown = events.flatMap((event) => (event.type === 'place.changed' ? [`${event.status} ${event.step}`] : []));
    expect(shown).toEqual(expect.arrayContaining(['unreachable null', 'starting Starting again']));
  });

  test('has no successor while its place cannot be ended for certain', async () => {
    await places.close();
    places = newPlaces({ timing: { ...silence, maxAttempts: 2 } });
    const { id } = await running();
    driver.behave({ lieAboutPlace: (truth) => ({ ...truth, status: 'running', reason: null }) });
    await agentOf(id).close();
    await vi.waitFor(
      async () => expect((await house.sessions.get(id)).reason).toContain('could not be ended either'),
      patience,
    );
    const stops = (): number => driver.calls.filter(({ verb }) => verb === 'stop').length;
    const before = stops();
    await vi.waitFor(() => expect(stops()).toBeGreaterThan(before + 2), patience);
    expect(driver.calls.filter(({ verb }) => verb === 'start')).toHaveLength(1);
    driver.behave({ lieAboutPlace: null });
    await vi.waitFor(async () => expect((await house.sessions.get(id)).shown).toBe('idle'), patience);
  });
});

describe('what an agent may not say', () => {
  test('a bad event is rejected with its reason and does not hold up the others', async () => {
    const { id } = await running();
    const agent = agentOf(id);
    const turnId = newTurn();
    let deep: unknown = 1;
    for (let level = 0; level < 2_000; level += 1) deep = [deep];
    const call = {
      type: 'tool.called',
      turnId,
      toolUseId: 't',
      name: 'X',
      title: 'x',
      inputCut: false,
      parentToolUseId: null,
    };
    agent.propose({ type: 'message.user', messageId: randomUUID(), by: {}, text: 'forged' } as never);
    agent.propose({ ...call, input: { deep } } as never);
    agent.propose({ ...call, input: { big: 'x'.repeat(70_000) } } as never);
    agent.propose({ ...call, input: { nul: 'a\0b', half: '\ud800' } } as never);
    agent.sayRaw('this is not JSON');
    agent.sayRaw('{"type":"unheard of"}');
    agent.propose(text(turnId, 1));
    await vi.waitFor(() => expect(agent.unacknowledged()).toBe(0), patience);
    expect(agent.rejected.map(({ n }) => n)).toEqual([1, 2, 3]);
    const stored = (await eventsOf(id)).flatMap(({ event }) => (event.type === 'tool.called' ? [event.input] : []));
    expect(stored).toEqual([{ nul: 'a\ufffdb', half: '\ufffd' }]);
  });
});

describe('approvals', () => {
  test('an approval is answered once, by whoever is first, and the agent is told', async () => {
    const { person, id } = await running();
    const second = await house.person('Bob');
    const agent = agentOf(id);
    ask(agent, 'tool-1');
    await vi.waitFor(async () => expect((await house.sessions.get(id)).shown).toBe('needs_input'), patience);
    expect((await claude.allApprovals(person, { limit: 10 })).items).toHaveLength(1);
    expect((await claude.allApprovals(second, { limit: 10 })).items).toEqual([]);
    const answers = await Promise.allSettled(
      [person, second].map((who) =>
        claude.answer({ ...who, sessionId: id }, 'tool-1' as never, { decision: 'allow', scope: 'once' }),
      ),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(answers.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'already_answered' } });
    await vi.waitFor(() => expect(agent.control.filter(({ type }) => type === 'command')).toHaveLength(1), patience);
    expect((await house.sessions.get(id)).openApprovals).toBe(0);
    await expect(
      claude.answer({ ...person, sessionId: id }, 'none' as never, { decision: 'allow', scope: 'once' }),
    ).rejects.toMatchObject({
      code: 'not_found',
    });
  });

  test('what is always allowed is told to every agent of that person, and revoked again', async () => {
    const { person, id } = await running();
    const second = await house.person('Bob');
    const other = (await house.sessions.create(person, {})).id;
    const foreign = (await house.sessions.create(second, {})).id;
    const toldTo = (of: string) =>
      agentOf(of).control.flatMap((message) => (message.type === 'rules' ? [message.rules] : []));
    for (const of of [id, other, foreign]) await vi.waitFor(() => expect(toldTo(of)).toEqual([[]]), patience);
    const answer = { decision: 'allow', scope: 'always' } as const;
    ask(agentOf(id), 'lasting', null, { sessionRule: 'once and for all' });
    ask(agentOf(id), 'passing');
    await vi.waitFor(async () => expect((await house.sessions.get(id)).openApprovals).toBe(2), patience);
    const act = { ...person, sessionId: id };
    await expect(claude.answer(act, 'passing' as never, answer)).rejects.toMatchObject({ code: 'conflict' });
    await claude.answer(act, 'lasting' as never, answer);
    const rule = { kind: 'command', command: 'ls' };
    for (const of of [id, other]) await vi.waitFor(() => expect(toldTo(of).at(-1)).toEqual([rule]), patience);
    const { items } = await house.rules.list(person);
    expect(items).toMatchObject([{ rule, words: 'exactly this command: ls' }]);
    expect((await house.rules.list(second)).items).toEqual([]);
    await expect(house.rules.revoke(second, items[0]?.id ?? '')).rejects.toMatchObject({ code: 'not_found' });
    await house.rules.revoke(person, items[0]?.id ?? '');
    for (const of of [id, other]) await vi.waitFor(() => expect(toldTo(of).at(-1)).toEqual([]), patience);
    expect(toldTo(foreign)).toEqual([[]]);
    const rows = await house.database.db.selectFrom('audit_logs').selectAll().orderBy('id').execute();
    expect(rows.slice(-2)).toMatchObject([
      { action: 'claude.answer', details: { scope: 'always' } },
      { action: 'approvals.rules.delete', details: { rule } },
    ]);
  });

  test('a new rule answers what waits under it in all of the person’s sessions, and nothing else', async () => {
    const { person, id } = await running();
    const second = await house.person('Bob');
    const other = (await house.sessions.create(person, {})).id;
    const foreign = (await house.sessions.create(second, {})).id;
    for (const of of [other, foreign])
      await vi.waitFor(async () => expect((await house.sessions.get(of)).shown).toBe('idle'), patience);
    for (const of of [id, other, foreign]) {
      ask(agentOf(of), 'same-1', null, { sessionRule: 'once and for all' });
      ask(agentOf(of), 'same-2', null, { sessionRule: 'once and for all' });
      // What is only ever allowed once falls under no rule.
      ask(agentOf(of), 'once-only');
      await vi.waitFor(async () => expect((await house.sessions.get(of)).openApprovals).toBe(3), patience);
    }
    const act = { ...person, sessionId: id, id: randomUUID() as never };
    const always = { decision: 'allow', scope: 'always' } as const;
    await claude.answer(act, 'same-1' as never, always);
    const left = (await claude.allApprovals(person, { limit: 10 })).items.map((open) => open.approvalId);
    expect(left).toEqual(['once-only', 'once-only']);
    expect((await house.sessions.get(foreign)).openApprovals).toBe(3);
    const given = (await eventsOf(other)).flatMap(({ event }) => (event.type === 'approval.answered' ? [event] : []));
    expect(given.map(({ approvalId, by, scope }) => [approvalId, by.name, scope])).toEqual([
      ['same-1', 'Ada', 'always'],
      ['same-2', 'Ada', 'always'],
    ]);
    const commands = () =>
      agentOf(other).control.flatMap((message) =>
        message.type === 'command' && message.command.type === 'answer' ? [message.command.approvalId] : [],
      );
    await vi.waitFor(() => expect(commands()).toEqual(['same-1', 'same-2']), patience);
    // Told again, it is done once.
    await claude.answer(act, 'same-1' as never, always);
    expect((await eventsOf(other)).filter(({ event }) => event.type === 'approval.answered')).toHaveLength(2);
    await expect(claude.answer({ ...person, sessionId: other }, 'same-1' as never, always)).rejects.toMatchObject({
      code: 'already_answered',
    });
  });

  test('the end of a session for good ends its questions', async () => {
    const { person, id } = await running();
    ask(agentOf(id), 'tool-3');
    await vi.waitFor(async () => expect((await house.sessions.get(id)).openApprovals).toBe(1), patience);
    await house.sessions.terminate(id, person);
    expect((await house.sessions.get(id)).openApprovals).toBe(0);
    expect((await claude.approvals(id)).items).toEqual([]);
    await expect(
      claude.answer({ ...person, sessionId: id }, 'tool-3' as never, { decision: 'allow', scope: 'once' }),
    ).rejects.toMatchObject({ code: 'already_answered' });
  });

  test('an answer to a stopped session is told to the next agent', async () => {
    const { person, id } = await running();
    ask(agentOf(id), 'tool-2');
    await vi.waitFor(async () => expect((await house.sessions.get(id)).openApprovals).toBe(1), patience);
    await house.sessions.stop(id, person);
    await vi.waitFor(async () => expect((await house.sessions.get(id)).shown).toBe('stopped'), patience);
    const act = { ...person, sessionId: id, id: randomUUID() as never };
    const answer = await claude.answer(act, 'tool-2' as never, { decision: 'deny', scope: 'once', reason: 'no' });
    expect(answer).toMatchObject({ status: 'answered', decision: 'deny', answeredBy: { name: 'Ada' } });
    expect(await claude.answer(act, 'tool-2' as never, { decision: 'deny', scope: 'once', reason: 'no' })).toEqual(
      answer,
    );
    await house.sessions.start(id, person);
    await vi.waitFor(() => {
      expect(agentOf(id).control).toContainEqual({
        type: 'command',
        command: {
          id: act.id,
          type: 'answer',
          approvalId: 'tool-2',
          answer: { decision: 'deny', scope: 'once', reason: 'no' },
        },
      });
    }, patience);
  });
});

test('a session that writes without end is kept no longer, says why, and its turns still end', async () => {
  await places.close();
  places = newPlaces({ quota: { perHour: 50, perDay: 1_000, bytesPerDay: 1e9 } });
  await places.start();
  const { id } = await running();
  const agent = agentOf(id);
  const turnId = randomUUID() as TurnId;
  agent.propose({ type: 'turn.started', turnId, messageIds: [] });
  for (let n = 1; n <= 200; n += 1) agent.propose(text(turnId, n));
  agent.propose(ended(turnId, null));
  await vi.waitFor(() => expect(agent.unacknowledged()).toBe(0), patience);
  const stored = (await eventsOf(id)).map(({ event }) => event);
  expect(stored.filter(({ type }) => type === 'text')).toHaveLength(50);
  expect(agent.rejected).toHaveLength(150);
  await vi.waitFor(async () => {
    const { state } = await house.events.head(id);
    expect(state.turn).toBeNull();
    expect(state.place.status).toBe('running');
    expect(state.place.reason).toContain('written as much as is kept');
  }, patience);
  // Another server counts anew, so what the page says of this one is over.
  await places.close();
  places = newPlaces();
  await places.start();
  await vi.waitFor(async () => {
    const { place } = (await house.events.head(id)).state;
    expect(place).toMatchObject({ status: 'running', reason: null, next: null });
  }, patience);
});

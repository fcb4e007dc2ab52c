// Tasks over real sockets: what becomes of them with their turns, their questions and what people do.

import { randomUUID } from 'node:crypto';
import type { CommandId, MemberRole } from '@remote-claude/contract';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import {
  ask,
  createConversationHouse,
  ended,
  newTurn,
  patience,
  type ConversationHouse,
} from '../../testing/conversation-house.js';
import type { TinyAgent, TinyAgentOptions } from '../../testing/tiny-agent.js';
import type { Places } from '../places/index.js';

let stage: ConversationHouse;
let house: ConversationHouse['house'];
let driver: ConversationHouse['driver'];
let places: Places;
let claude: ConversationHouse['claude'];
let tasks: ConversationHouse['tasks'];
let onCommand: TinyAgentOptions['onCommand'];

beforeEach(async () => {
  stage = await createConversationHouse();
  ({ house, driver, claude, tasks } = stage);
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

describe('tasks', () => {
  test('a task goes through its states with its turn', async () => {
    const { person, id } = await running();
    const agent = agentOf(id);
    const task = await tasks.create(person, id, { name: 'Count', description: 'to three' });
    expect(task.status).toBe('queued');
    await vi.waitFor(() => expect(agent.control.some(({ type }) => type === 'command')).toBe(true), patience);
    const told = agent.control.flatMap((message) => (message.type === 'command' ? [message.command] : []))[0];
    expect(told).toMatchObject({ type: 'prompt', prompt: 'Count\n\nto three' });
    const turnId = newTurn();
    const status = async () => (await tasks.get(person, task.id)).status;
    agent.propose({ type: 'turn.started', turnId, messageIds: [told?.id as never] }, [told?.id ?? '']);
    await vi.waitFor(async () => expect(await status()).toBe('running'), patience);
    agent.propose({
      type: 'approval.asked',
      approval: {
        approvalId: 'a' as never,
        turnId,
        kind: 'tool',
        tool: 'X',
        title: 'x',
        input: {},
        sessionRule: null,
        agent: null,
        askedAt: new Date().toISOString(),
      },
    });
    await vi.waitFor(async () => expect(await status()).toBe('needs_input'), patience);
    await expect(tasks.remove(person, task.id)).rejects.toMatchObject({ code: 'conflict' });
    await claude.answer({ ...person, sessionId: id }, 'a' as never, { decision: 'allow', scope: 'once' });
    expect(await status()).toBe('running');
    agent.propose(ended(turnId, 'one two three'));
    await vi.waitFor(
      async () => expect(await tasks.get(person, task.id)).toMatchObject({ status: 'done', result: 'one two three' }),
      patience,
    );
    expect((await house.sessions.get(id)).shown).toBe('completed');
    expect((await tasks.list(person, { limit: 1 })).items).toHaveLength(1);
    await tasks.remove(person, task.id);
    await expect(tasks.get(person, task.id)).rejects.toMatchObject({ code: 'not_found' });
  });

  test('a task whose question outlives its turn waits on, and goes on with the next turn of its message', async () => {
    const { person, id } = await running();
    const agent = agentOf(id);
    const status = async (taskId: string) => (await tasks.get(person, taskId)).status;
    const raised = async (approvalId: string) => {
      const task = await tasks.create(person, id, { name: 'Count' });
      await vi.waitFor(() => expect(agent.control.some(({ type }) => type === 'command')).toBe(true), patience);
      const messageId = (await house.events.head(id)).state.queue[0]?.messageId as never;
      const turnId = newTurn();
      agent.propose({ type: 'turn.started', turnId, messageIds: [messageId] }, [messageId]);
      ask(agent, approvalId, turnId);
      agent.propose(ended(turnId, null, 'interrupted'));
      await vi.waitFor(() => expect(agent.unacknowledged()).toBe(0), patience);
      expect(await status(task.id)).toBe('needs_input');
      return { task, messageId };
    };
    const { task, messageId } = await raised('kept');
    expect((await house.sessions.get(id)).shown).toBe('needs_input');
    await claude.answer({ ...person, sessionId: id }, 'kept' as never, { decision: 'allow', scope: 'once' });
    expect(await status(task.id)).toBe('needs_input');
    const again = newTurn();
    agent.propose({ type: 'turn.started', turnId: again, messageIds: [messageId] });
    await vi.waitFor(async () => expect(await status(task.id)).toBe('running'), patience);
    agent.propose(ended(again, 'three'));
    await vi.waitFor(async () => expect(await status(task.id)).toBe('done'), patience);
    const over = await raised('gone');
    agent.propose({ type: 'approval.expired', approvalId: 'gone' as never, reason: 'It is gone.' });
    await vi.waitFor(async () => expect(await status(over.task.id)).toBe('failed'), patience);
  });

  test('an answer that reaches nobody ends the task of its question, and no other', async () => {
    const { person, id } = await running();
    const agent = agentOf(id);
    const status = async (taskId: string) => (await tasks.get(person, taskId)).status;
    const kept = async (approvalId: string) => {
      const task = await tasks.create(person, id, { name: approvalId });
      const messageId = task.id as string as CommandId;
      const turnId = newTurn();
      agent.propose({ type: 'turn.started', turnId, messageIds: [messageId] }, [messageId]);
      ask(agent, approvalId, turnId, { messageIds: [messageId] });
      agent.propose(ended(turnId, null, 'interrupted'));
      await vi.waitFor(async () => expect(await status(task.id)).toBe('needs_input'), patience);
      return task;
    };
    const [first, second] = [await kept('first'), await kept('second')];
    const answerId = randomUUID() as CommandId;
    const answer = { decision: 'allow', scope: 'once' } as const;
    await claude.answer({ ...person, sessionId: id, id: answerId }, 'first' as never, answer);
    const reason = 'It was gone.';
    agent.propose({ type: 'command.refused', commandId: answerId, command: 'answer', reason }, [answerId]);
    await vi.waitFor(async () => expect(await status(first.id)).toBe('failed'), patience);
    expect(await tasks.get(person, first.id)).toMatchObject({ result: reason });
    expect(await status(second.id)).toBe('needs_input');
  });

  test('a cancel that comes too late to take the task back interrupts it, and repeated it is the same act', async () => {
    const interrupts: unknown[] = [];
    const turnId = newTurn();
    onCommand = (agent, command) => {
      const { id: commandId } = command;
      // Claude has the message by the time that it is to be taken back.
      if (command.type === 'withdraw') {
        const { messageId } = command;
        agent.propose({ type: 'turn.started', turnId, messageIds: [messageId] }, [messageId]);
        const refusal = { type: 'command.refused', commandId, command: 'withdraw', reason: 'Too late.' } as const;
        agent.propose(refusal, [commandId]);
      }
      if (command.type === 'interrupt') {
        interrupts.push(command.turnId);
        agent.propose(ended(turnId, null, 'interrupted'), [commandId]);
      }
    };
    const { person, id } = await running();
    const act = { ...person, operationId: randomUUID() };
    const { id: taskId } = await tasks.create(person, id, { name: 'Late' });
    // As a server leaves it that falls after the first of both commands.
    await claude.withdraw(
      { ...person, sessionId: id, id: act.operationId as CommandId },
      taskId as string as CommandId,
    );
    await vi.waitFor(async () => expect((await tasks.get(person, taskId)).status).toBe('running'), patience);
    const cancelled = await tasks.patch(act, taskId, { status: 'cancelled' });
    expect(cancelled).toMatchObject({ status: 'cancelled' });
    expect(await tasks.patch(act, taskId, { status: 'cancelled' })).toEqual(cancelled);
    expect(interrupts).toEqual([turnId]);
    const fresh = { ...person, operationId: randomUUID() };
    const { id: quick } = await tasks.create(person, id, { name: 'Quick' });
    expect(await tasks.patch(fresh, quick, { status: 'cancelled' })).toMatchObject({ status: 'cancelled' });
  });

  test('a cancel repeated after the task was done first answers as it would have', async () => {
    const { person, id } = await running();
    const agent = agentOf(id);
    const task = await tasks.create(person, id, { name: 'Done' });
    const messageId = task.id as string as CommandId;
    const turnId = newTurn();
    agent.propose({ type: 'turn.started', turnId, messageIds: [messageId] }, [messageId]);
    await vi.waitFor(async () => expect((await tasks.get(person, task.id)).status).toBe('running'), patience);
    const act = { ...person, operationId: randomUUID() };
    onCommand = (_agent, { type, id: commandId }) => {
      if (type === 'interrupt') agent.propose(ended(turnId, 'done'), [commandId]);
    };
    const first = await tasks.patch(act, task.id, { status: 'cancelled' });
    expect(first.status).toBe('done');
    expect(await tasks.patch(act, task.id, { status: 'cancelled' })).toEqual(first);
    await expect(
      tasks.patch({ ...person, operationId: randomUUID() }, task.id, { status: 'cancelled' }),
    ).rejects.toMatchObject({ code: 'conflict' });
  });

  test('a queued task is taken back, a running one interrupted; another person knows neither', async () => {
    onCommand = (agent, command) => {
      if (command.type === 'withdraw')
        agent.propose({ type: 'message.withdrawn', messageId: command.messageId }, [command.id]);
    };
    const { person, id } = await running();
    const stranger = await house.person('Bob');
    const queued = await tasks.create(person, id, { name: 'Never' });
    await expect(tasks.get(stranger, queued.id)).rejects.toMatchObject({ code: 'not_found' });
    await expect(tasks.patch(stranger, queued.id, { status: 'cancelled' })).rejects.toMatchObject({
      code: 'not_found',
    });
    expect(await tasks.patch(person, queued.id, { status: 'cancelled' })).toMatchObject({ status: 'cancelled' });
    await expect(tasks.patch(person, queued.id, { status: 'cancelled' })).resolves.toMatchObject({
      status: 'cancelled',
    });
  });

  test('of one who is no longer in its session a task is unknown, and of one who only reads it stays', async () => {
    onCommand = (agent, command) => {
      if (command.type === 'withdraw')
        agent.propose({ type: 'message.withdrawn', messageId: command.messageId }, [command.id]);
    };
    const { id } = await running();
    const bob = await house.person('Bob');
    const member = { session_id: id, user_id: bob.actor.userId };
    const { db } = house.database;
    const be = (role: MemberRole) => db.updateTable('session_members').set({ role }).where('session_id', '=', id);
    await db
      .insertInto('session_members')
      .values({ ...member, role: 'editor' })
      .execute();
    const task = await tasks.create(bob, id, { name: 'Never' });
    await tasks.patch(bob, task.id, { status: 'cancelled' });
    const tries = async () => [
      await codeOf(tasks.get(bob, task.id)),
      (await tasks.list(bob, { limit: 9 })).items.length,
      await codeOf(tasks.patch(bob, task.id, { name: 'Mine' })),
      await codeOf(tasks.remove(bob, task.id)),
    ];
    await be('viewer').execute();
    expect(await tries()).toEqual(['done', 1, 'forbidden', 'forbidden']);
    await db.deleteFrom('session_members').where('session_id', '=', id).execute();
    expect(await tries()).toEqual(['not_found', 0, 'not_found', 'not_found']);
    const deleted = db.selectFrom('audit_logs').select('id').where('session_id', '=', id);
    expect(await deleted.where('action', '=', 'tasks.delete').execute()).toEqual([]);
    await db
      .insertInto('session_members')
      .values({ ...member, role: 'editor' })
      .execute();
    expect(await codeOf(tasks.remove(bob, task.id))).toBe('done');
  });
});

/** Of a refusal. */
const codeOf = (act: Promise<unknown>): Promise<string> =>
  act.then(
    () => 'done',
    (error: unknown) => (error as { code?: string }).code ?? String(error),
  );

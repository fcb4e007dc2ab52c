// A log that goes on behind a part of another's: what is copied, what is not, and what follows from it.

import { randomUUID } from 'node:crypto';
import type { CommandId, Proposal, SessionEvent } from '@remote-claude/contract';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';

import { createSessionHouse, type SessionHouse } from '../../testing/session-house.js';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let house: SessionHouse;
beforeAll(async () => {
  house = await createSessionHouse();
});
afterAll(() => house.close());

const [first, second, queued, withdrawn] = Array.from({ length: 4 }, () => randomUUID() as CommandId);
const [turnOne, turnTwo, rewindDone, rewindOpen, taskId] = Array.from({ length: 5 }, () => randomUUID());
const usage = { inputTokens: 5, outputTokens: 5, cacheReadTokens: 5, cacheWriteTokens: 5 };
const bounded = (text: string) => ({ text, bytes: text.length });

test('a fork has what was said and done, and nothing that was open', async () => {
  const ada = await house.person();
  const by = { userId: ada.actor.userId, name: 'Ada' };
  const source = await house.sessions.create(ada, { name: 'First' });
  const blob = 'b'.repeat(64);
  await house.database.db
    .insertInto('blobs')
    .values([
      { hash: blob, session_id: source.id, bytes: Buffer.from('whole'), media_type: 'text/plain' },
      { hash: 'c'.repeat(64), session_id: source.id, bytes: Buffer.from('later'), media_type: 'text/plain' },
    ])
    .execute();
  const said = (messageId: unknown, task: string | null = null, text: object = bounded('hi')) => ({
    type: 'message.user',
    messageId,
    by,
    text,
    taskId: task,
  });
  const started = (turnId: unknown, ...messageIds: unknown[]) => ({ type: 'turn.started', turnId, messageIds });
  const ended = (turnId: unknown) => ({
    type: 'turn.ended',
    turnId,
    outcome: 'completed',
    reason: null,
    message: null,
    usage,
    durationMs: 1,
  });
  const asked = (approvalId: string) => ({
    type: 'approval.asked',
    approval: {
      approvalId,
      turnId: turnOne,
      kind: 'tool',
      tool: 'Bash',
      title: 'Run ls',
      input: {},
      sessionRule: null,
      agent: null,
      askedAt: new Date().toISOString(),
    },
  });
  const configured = (model: string, permissionMode: string) => ({
    type: 'claude.configured',
    model,
    permissionMode,
    effort: 'high',
  });
  const todo = (content: string) => ({ type: 'todo.changed', items: [{ content, status: 'pending' }] });
  const written = [
    configured('one', 'bypassPermissions'),
    said(first, taskId),
    said(withdrawn),
    started(turnOne, first),
    todo('before'),
    { type: 'message.withdrawn', messageId: withdrawn },
    asked('answered'),
    {
      type: 'approval.answered',
      approvalId: 'answered',
      by,
      decision: 'allow',
      scope: 'once',
      input: null,
      reason: null,
    },
    asked('open'),
    { type: 'usage.recorded', turnId: turnOne, model: 'm', usage, costUsd: 3, priceKnown: true },
    ended(turnOne),
    { type: 'task.changed', taskId, name: 'A task', status: 'done', result: null },
    { type: 'terminal.opened', terminalId: randomUUID(), name: 'Shell', cols: 80, rows: 24 },
    { type: 'rewind.asked', rewindId: rewindDone, by, what: 'chat', target: { messageId: first } },
    { type: 'rewind.done', rewindId: rewindDone, what: 'chat', messageId: first, undoes: null, files: null },
    { type: 'rewind.asked', rewindId: rewindOpen, by, what: 'chat', target: { messageId: first } },
    said(second, null, { ...bounded('long'), bytes: 5, blob }),
    said(queued),
    todo('after the rewind'),
    { type: 'session.renamed', by, name: 'Renamed' },
    started(turnTwo, second),
    configured('two', 'plan'),
    ended(turnTwo),
    {
      type: 'text',
      turnId: turnTwo,
      blockId: 'b',
      text: { ...bounded('x'), blob: 'c'.repeat(64) },
      parentToolUseId: null,
    },
  ] as unknown as SessionEvent[];
  const serverTypes = new Set([
    'message.user',
    'approval.answered',
    'usage.recorded',
    'task.changed',
    'rewind.asked',
    'session.renamed',
  ]);
  for (const [index, event] of written.entries()) {
    const proposal = { source: 's', n: index + 1, event } as Proposal;
    const { rejected } = await house.events.append(source.id, [proposal], {
      by: serverTypes.has(event.type) ? 'server' : 'agent',
    });
    expect([event.type, rejected]).toEqual([event.type, []]);
  }

  const untouched = await house.events.head(source.id);
  const copy = async (message: CommandId | null) => {
    const { id } = await house.sessions.create(ada, { name: 'Fork' });
    await house.database.transaction(async (trx) => {
      const before =
        message === null ? untouched.head + 1 : ((await house.events.beginningOf(trx, source.id, message)) ?? 0);
      const from = { sessionId: source.id, messageId: message, name: 'First' };
      await house.events.continueFrom(trx, id, { from: source.id, before }, [{ type: 'session.forked', by, from }]);
    });
    const all = await house.events.read(id, { after: 2 }, 100);
    const { head, state } = await house.events.head(id);
    expect(all.map(({ seq }) => seq)).toEqual(Array.from({ length: head - 2 }, (_, index) => index + 3));
    return { id, all, state };
  };

  const { id, all, state } = await copy(second ?? null);
  expect(all.map(({ event }) => event.type)).toEqual([
    'claude.configured',
    'message.user',
    'message.user',
    'turn.started',
    'todo.changed',
    'message.withdrawn',
    'approval.asked',
    'approval.answered',
    'turn.ended',
    'rewind.asked',
    'rewind.done',
    'todo.changed',
    'session.forked',
  ]);
  expect(all[0]?.event).toMatchObject({ permissionMode: 'default' });
  expect(all[1]?.event).toMatchObject({ messageId: first, taskId: null, by });
  expect(all[8]?.event).toMatchObject({ usage: { inputTokens: 0, outputTokens: 0 } });
  const originals = await house.events.read(source.id, { after: 0 }, 100);
  expect(all[1]?.at).toBe(originals.find(({ event }) => event.type === 'message.user')?.at);
  expect(state).toMatchObject({
    name: 'Fork',
    turn: null,
    queue: [],
    approvals: [],
    terminals: [],
    rewinding: null,
    costUsd: 0,
    todo: [{ content: 'after the rewind' }],
    claude: { model: 'one', permissionMode: 'default', effort: 'high' },
    lastTurn: { turnId: turnOne, outcome: 'completed' },
    fork: { sessionId: source.id, messageId: second, isFilled: false },
  });
  // Its message is not in the fork, so what it names is not either.
  expect(await house.events.blob(id, blob)).toBeNull();

  const whole = await copy(null);
  expect(whole.all.filter(({ event }) => event.type === 'message.user')).toHaveLength(3);
  expect(whole.state).toMatchObject({ queue: [], claude: { model: 'two' }, lastTurn: { turnId: turnTwo } });
  expect(String(await house.events.blob(whole.id, blob))).toBe('whole');

  expect(await house.events.head(source.id)).toEqual(untouched);
  // The copies are numbered as their own: a writer of the new session meets none of them.
  const next = { source: 's', n: 1, event: todo('own') } as unknown as Proposal;
  expect((await house.events.append(id, [next], { by: 'agent' })).events).toHaveLength(1);
});

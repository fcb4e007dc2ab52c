import { initialSessionState, reduceSession, type OpenApproval, type SessionEvent } from '@remote-claude/contract';
import { expect, test } from 'vitest';

import { taskMovesOf, type Move } from './projection.js';

type Status = Move['to'];

const at = '2026-01-01T12:00:00.000Z';
const noUsage = { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0 };
const question = (id: string, messageIds: string[], turnId = 't1'): OpenApproval => ({
  approvalId: id as never,
  turnId: turnId as never,
  messageIds: messageIds as never,
  kind: 'tool',
  tool: 'X',
  title: 'x',
  input: {},
  sessionRule: null,
  agent: null,
  askedAt: at,
});
const begins = (turnId: string, ...messageIds: string[]): SessionEvent => ({
  type: 'turn.started',
  turnId: turnId as never,
  messageIds: messageIds as never,
});
const ends = (turnId: string, outcome: 'completed' | 'interrupted'): SessionEvent => ({
  type: 'turn.ended',
  turnId: turnId as never,
  outcome,
  reason: null,
  message: null,
  usage: noUsage,
  durationMs: 1,
});
const asks = (approval: OpenApproval): SessionEvent => ({ type: 'approval.asked', approval });
const expires = (id: string): SessionEvent => ({ type: 'approval.expired', approvalId: id as never, reason: 'gone' });
const answers = (id: string): SessionEvent => ({
  type: 'approval.answered',
  approvalId: id as never,
  by: { userId: 'u' as never, name: 'Ada' },
  decision: 'allow',
  scope: 'once',
  input: null,
  reason: null,
});
const refuses = (): SessionEvent => ({
  type: 'command.refused',
  commandId: 'c' as never,
  command: 'answer',
  reason: 'gone',
});

/** What tasks are, by their messages, after these events. */
const play = (events: (SessionEvent | [SessionEvent, OpenApproval])[]): Record<string, Status> => {
  let state = initialSessionState;
  const tasks: Record<string, Status> = { a: 'queued', b: 'queued' };
  for (const one of events) {
    const [event, refused] = Array.isArray(one) ? one : [one, null];
    const after = reduceSession(state, { event, at });
    for (const { messageIds, from, to } of taskMovesOf({ event, before: state, after, by: 'agent' }, refused)) {
      for (const id of messageIds ?? Object.keys(tasks)) {
        const status = tasks[id];
        if (status !== undefined && from.includes(status)) tasks[id] = to;
      }
    }
    state = after;
  }
  return tasks;
};

/** The question of `a` is kept when its turn's process ends; then `b` runs. */
const kept = [begins('t1', 'a'), asks(question('qa', ['a'])), ends('t1', 'interrupted')];
const both = [...kept, begins('t2', 'b')];

test.each<[string, Parameters<typeof play>[0], Record<string, Status>]>([
  ['a kept question waits while another task runs', both, { a: 'needs_input', b: 'running' }],
  [
    'the other’s own question is answered while the kept one waits',
    [...both, asks(question('qb', ['b'], 't2')), answers('qb')],
    { a: 'needs_input', b: 'running' },
  ],
  ['a kept question goes while the other runs', [...both, expires('qa')], { a: 'failed', b: 'running' }],
  [
    'an answer reaches nobody while the other runs',
    [...both, answers('qa'), [refuses(), question('qa', ['a'])]],
    { a: 'failed', b: 'running' },
  ],
  [
    'a question goes while the answer to the other task’s is on its way',
    [...both, asks(question('qb', ['b'], 't2')), ends('t2', 'interrupted'), answers('qa'), expires('qb')],
    { a: 'needs_input', b: 'failed' },
  ],
  ['an answered question is gone on with', [...kept, answers('qa'), begins('t3', 'a')], { a: 'running', b: 'queued' }],
  [
    'one of two kept questions is answered',
    [
      begins('t1', 'a'),
      asks(question('q1', ['a'])),
      asks(question('q2', ['a'])),
      ends('t1', 'interrupted'),
      answers('q1'),
      begins('t3', 'a'),
    ],
    { a: 'needs_input', b: 'queued' },
  ],
  [
    'the turn for one of two kept questions loses its process as well',
    [
      begins('t1', 'a'),
      asks(question('q1', ['a'])),
      asks(question('q2', ['a'])),
      ends('t1', 'interrupted'),
      answers('q1'),
      begins('t3', 'a'),
      ends('t3', 'interrupted'),
    ],
    { a: 'needs_input', b: 'queued' },
  ],
  [
    'the turn for an answer loses its process and is begun again',
    [...kept, answers('qa'), begins('t3', 'a'), ends('t3', 'interrupted'), begins('t4', 'a'), ends('t4', 'completed')],
    { a: 'done', b: 'queued' },
  ],
  [
    'a question asked again in its turn is answered there',
    [...kept, begins('t3', 'a'), answers('qa')],
    { a: 'running', b: 'queued' },
  ],
])('%s', (_what, events, expected) => {
  expect(play(events)).toEqual(expected);
});

test('where an agent does not say whose question it is, the last one that goes ends what waits', () => {
  const { messageIds: _unsaid, ...old } = question('qa', []);
  const events = [begins('t1', 'a'), asks(old), ends('t1', 'interrupted')];
  expect(play(events)).toEqual({ a: 'needs_input', b: 'queued' });
  expect(play([...events, begins('t2', 'b'), expires('qa')])).toEqual({ a: 'needs_input', b: 'running' });
  expect(play([...events, expires('qa')])).toEqual({ a: 'failed', b: 'queued' });
});

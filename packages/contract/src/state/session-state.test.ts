import { describe, expect, it } from 'vitest';

import { noTokens, type SessionEvent, type ShownStatus } from '../index.js';
import { initialSessionState, reduceSession, sessionState, shownStatusOf, type SessionState } from './session-state.js';

const at = '2026-01-02T03:04:05.000Z';
const ada = { userId: '0f0e0d0c-0000-4000-8000-000000000001', name: 'Ada' };
const [m1, m2, t1, t2] = [1, 2, 3, 4].map((n) => `0f0e0d0c-0000-4000-8000-00000000010${n}`) as [
  string,
  string,
  string,
  string,
];

const fold = (...events: unknown[]): SessionState =>
  (events as SessionEvent[]).reduce((state, event) => reduceSession(state, { event, at }), initialSessionState);

const said = (messageId: string) => ({
  type: 'message.user',
  messageId,
  by: ada,
  text: { text: 'hi', bytes: 2 },
  taskId: null,
});
const started = (turnId: string, ...messageIds: string[]) => ({ type: 'turn.started', turnId, messageIds });
const ended = (turnId: string, outcome = 'completed') => ({
  type: 'turn.ended',
  turnId,
  outcome,
  reason: null,
  message: null,
  usage: noTokens,
  durationMs: 1,
});
const place = (status: string, wanted = 'running') => ({
  type: 'place.changed',
  wanted,
  status,
  step: null,
  reason: null,
  next: null,
});
const asked = (approvalId: string) => ({
  type: 'approval.asked',
  approval: {
    approvalId,
    turnId: t1,
    kind: 'tool',
    tool: 'Bash',
    title: 'Run ls',
    input: {},
    sessionRule: null,
    agent: null,
    askedAt: at,
  },
});

describe('the session state', () => {
  it('queues messages and takes them out when their turn starts', () => {
    const state = fold(said(m1), said(m2), started(t1, m1));
    expect(state.queue.map((queued) => queued.messageId)).toEqual([m2]);
    expect(state.turn?.messageIds).toEqual([m1]);
  });

  it('ends only the turn that runs', () => {
    expect(fold(started(t2), ended(t1)).turn?.turnId).toBe(t2);
    expect(fold(started(t1), ended(t1, 'interrupted'))).toMatchObject({
      turn: null,
      lastTurn: { outcome: 'interrupted' },
    });
  });

  it('takes a withdrawn message out of the queue', () => {
    expect(fold(said(m1), { type: 'message.withdrawn', messageId: m1 }).queue).toEqual([]);
  });

  it('opens an approval once, and closes it by an answer or its end', () => {
    expect(fold(asked('a'), asked('a'), asked('b')).approvals.map((open) => open.approvalId)).toEqual(['a', 'b']);
    expect(fold(asked('a'), { type: 'approval.expired', approvalId: 'a', reason: 'gone' }).approvals).toEqual([]);
  });

  it('keeps an ended terminal until it is closed', () => {
    const opened = { type: 'terminal.opened', terminalId: t1, name: 'bash', cols: 80, rows: 24 };
    const gone = { type: 'terminal.ended', terminalId: t1, exitCode: 1, reason: null };
    expect(fold(opened, gone).terminals).toMatchObject([{ ended: true, exitCode: 1 }]);
    expect(fold(opened, gone, { type: 'terminal.closed', terminalId: t1 }).terminals).toEqual([]);
  });

  it('adds up usage, and knows how full the context is by the last call', () => {
    const call = (inputTokens: number) => ({
      type: 'usage.recorded',
      turnId: t1,
      model: 'm',
      usage: { ...noTokens, inputTokens, outputTokens: 1 },
      costUsd: 0.5,
      priceKnown: true,
    });
    expect(fold(call(10), call(30))).toMatchObject({
      usage: { inputTokens: 40, outputTokens: 2 },
      costUsd: 1,
      contextTokens: 30,
    });
    const back = (what: string) => ({
      type: 'rewind.done',
      rewindId: m1,
      what,
      messageId: m1,
      undoes: null,
      files: null,
    });
    expect(fold(call(30), back('files')).contextTokens).toBe(30);
    expect(fold(call(30), back('chat'))).toMatchObject({ contextTokens: 0, costUsd: 0.5 });
  });

  it('has the form that its schema says', () => {
    expect(sessionState.safeParse(fold(said(m1), started(t1, m1), asked('a'), place('running'))).success).toBe(true);
  });

  const shown: readonly [string, unknown[], ShownStatus][] = [
    ['nothing yet', [], 'starting'],
    ['no room', [place('queued')], 'queued'],
    ['being made', [place('starting')], 'starting'],
    ['there, in no turn', [place('running')], 'idle'],
    ['there, in a turn', [place('running'), started(t1)], 'working'],
    ['there, asked', [place('running'), started(t1), asked('a')], 'needs_input'],
    ['silent', [place('unreachable'), started(t1)], 'unreachable'],
    ['failed', [place('failed')], 'failed'],
    ['going', [place('stopping', 'stopped')], 'stopping'],
    ['gone', [place('stopped', 'stopped')], 'stopped'],
    ['over', [place('running', 'terminated')], 'terminated'],
    [
      'a task just ended',
      [
        place('running'),
        started(t1),
        ended(t1),
        { type: 'task.changed', taskId: m1, name: 'x', status: 'done', result: null },
      ],
      'completed',
    ],
  ];
  it.each(shown)('is shown as it is: %s', (_name, events, word) => {
    expect(shownStatusOf(fold(...events))).toBe(word);
  });
});

describe('the set-up script', () => {
  const setupId = '0f0e0d0c-0000-4000-8000-000000000201';
  const asked = { type: 'setup.asked', setupId, by: ada, script: { text: 'npm ci', bytes: 6 } };
  const begun = { type: 'setup.started', setupId };
  const prints = (text: string) => ({ type: 'setup.output', setupId, text });

  it('is a start for as long as it waits or runs, and begins anew where its place ends', () => {
    const running = fold(place('running'), asked, begun, prints('a'), prints('b'));
    expect(shownStatusOf(running)).toBe('starting');
    expect(running.setup).toMatchObject({ status: 'running', startedAt: at, tail: 'ab' });
    const gone = reduceSession(running, { event: place('starting') as SessionEvent, at });
    expect(gone.setup).toMatchObject({ status: 'waiting', startedAt: null });
    const unreachable = reduceSession(running, { event: place('unreachable') as SessionEvent, at });
    expect(unreachable.setup?.status).toBe('running');
    const turning = reduceSession(running, { event: started(t1) as SessionEvent, at });
    expect(shownStatusOf(turning)).toBe('working');
  });

  it('has one end, until it is asked for again', () => {
    const end = (outcome: string) => ({
      type: 'setup.ended',
      setupId,
      outcome,
      exitCode: outcome === 'failed' ? 1 : 0,
      reason: null,
      durationMs: 1,
      output: { text: 'x', bytes: 1 },
    });
    const ended = fold(place('running'), asked, begun, end('done'));
    expect(ended.setup?.status).toBe('done');
    const late = [begun, prints('a'), end('failed')].map((event) => event as SessionEvent);
    expect(late.reduce((state, event) => reduceSession(state, { event, at }), ended)).toEqual(ended);
    const refused = { type: 'command.refused', commandId: setupId, command: 'setup', reason: 'Too old.' };
    expect(fold(asked, refused, begun).setup).toMatchObject({ status: 'failed', reason: 'Too old.' });
    expect(fold(asked, begun, end('failed'), asked, begun).setup?.status).toBe('running');
  });

  it('keeps the last of what is printed', () => {
    const state = fold(asked, begun, ...Array.from({ length: 9 }, (_, index) => prints(String(index).repeat(1_000))));
    expect(state.setup?.tail).toBe([5, 6, 7, 8].map((digit) => String(digit).repeat(1_000)).join(''));
    expect(sessionState.safeParse(state).success).toBe(true);
  });
});

// What a session's state can grow to, by what its agent and its people write.

import { randomUUID } from 'node:crypto';
import { initialSessionState, reduceSession, type SessionState } from '@remote-claude/contract';
import { expect, test } from 'vitest';

import { prepareEvent, type Writer } from './prepare.js';

const at = '2026-01-01T00:00:00.000Z';
const maxStateBytes = 1.5 * 1024 * 1024;

/** The state after as many of these as are taken. */
const grow = (
  make: (n: number) => unknown,
  by: Writer,
): { state: SessionState; taken: number; reason: string | null } => {
  let state = initialSessionState;
  let reason: string | null = null;
  let taken = 0;
  for (let n = 0; n < 200; n += 1) {
    const prepared = prepareEvent(make(n), by, state);
    if (!prepared.ok) {
      reason = prepared.reason;
      continue;
    }
    taken += 1;
    state = reduceSession(state, { event: prepared.event, at });
  }
  return { state, taken, reason };
};
const bytesOf = (state: SessionState): number => Buffer.byteLength(JSON.stringify(state));

test('open approvals fill the state up to a ceiling, small ones up to their number', () => {
  const approval = (bytes: number) => () => ({
    type: 'approval.asked',
    approval: {
      approvalId: `toolu_${randomUUID()}`,
      turnId: null,
      kind: 'tool',
      tool: 'Write',
      title: 'Write',
      input: { content: 'x'.repeat(bytes) },
      sessionRule: null,
      agent: null,
      askedAt: at,
    },
  });
  const large = grow(approval(50_000), 'agent');
  expect(bytesOf(large.state)).toBeLessThan(maxStateBytes);
  expect(large.taken).toBeGreaterThan(5);
  expect(large.reason).toContain('too large together');
  expect(grow(approval(100), 'agent')).toMatchObject({ taken: 100, reason: expect.stringContaining('at most 100') });
});

test('messages that wait fill the state up to a ceiling', () => {
  const text = '\u20ac'.repeat(12_000);
  const { state, taken, reason } = grow(
    () => ({
      type: 'message.user',
      messageId: randomUUID(),
      by: { userId: randomUUID(), name: 'Ada' },
      text: { text, bytes: 36_000 },
      taskId: null,
    }),
    'server',
  );
  expect(bytesOf(state)).toBeLessThan(maxStateBytes);
  expect(taken).toBeGreaterThan(5);
  expect(reason).toContain('wait');
});

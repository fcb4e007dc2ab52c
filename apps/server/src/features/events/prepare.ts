// What becomes of a proposed event before it is stored: form, size, depth, and ceilings on what it adds to the state.
// It knows no store; what an agent proposes is a claim by code in its session.

import { agentEvent, maxEventBytes, serverEvent, type SessionEvent, type SessionState } from '@remote-claude/contract';

import { storable } from '../../platform/database/index.js';

export type Writer = 'agent' | 'server';
export type Prepared = { ok: true; event: SessionEvent } | { ok: false; reason: string };

const maxDepth = 64;
/** What one session may have open at a time; its state is rewritten with each batch of events. */
const maxOpenApprovals = 100;
/** JSON bytes of the open approvals, and of the messages that wait: each first load brings them. */
const maxApprovalBytes = 512 * 1024;
const maxQueueBytes = 512 * 1024;
const maxTerminals = 64;

const jsonBytes = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));
const refuse = (reason: string): Prepared => ({ ok: false, reason });

export const prepareEvent = (said: unknown, by: Writer, state: SessionState): Prepared => {
  if (isDeeperThan(said, maxDepth)) return refuse(`an event is nested at most ${maxDepth} deep`);
  // A NUL in what a command printed is no reason to lose the event.
  const claimed = storable(said);
  const parsed = (by === 'agent' ? agentEvent : serverEvent).safeParse(claimed);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    return refuse(
      `not an event of ${by === 'agent' ? 'an agent' : 'the server'}: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`,
    );
  }
  const bytes = jsonBytes(parsed.data);
  if (bytes > maxEventBytes) return refuse(`an event has at most ${maxEventBytes} bytes, this one has ${bytes}`);
  const excess = ceilingReached(parsed.data, state);
  return excess === null ? { ok: true, event: parsed.data } : refuse(excess);
};

const ceilingReached = (event: SessionEvent, state: SessionState): string | null => {
  switch (event.type) {
    case 'approval.asked':
      if (state.approvals.length >= maxOpenApprovals) return `at most ${maxOpenApprovals} approvals can be open`;
      return jsonBytes(state.approvals) + jsonBytes(event.approval) > maxApprovalBytes
        ? 'the open approvals are too large together; answer some first'
        : null;
    case 'message.user':
      return jsonBytes(state.queue) + jsonBytes(event.text) > maxQueueBytes
        ? 'the messages that wait are too large together; let Claude work on them first'
        : null;
    case 'terminal.opened':
      return state.terminals.length >= maxTerminals ? `at most ${maxTerminals} terminals can be open` : null;
    case 'turn.ended':
      // The session-manager ends the turn of an agent that died; what the agent then says of its end comes too late.
      return state.turn?.turnId !== event.turnId && state.lastTurn?.turnId === event.turnId
        ? 'this turn has ended already'
        : null;
    default:
      return null;
  }
};

/** Walks without recursion, since depth is what it guards against. */
const isDeeperThan = (value: unknown, limit: number): boolean => {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > limit) return true;
    level = level.flatMap((item) =>
      typeof item === 'object' && item !== null ? (Object.values(item) as unknown[]) : [],
    );
  }
  return false;
};

import type { AgentEvent, ApprovalId, BlockId, CommandId, TurnId } from '@remote-claude/contract';
import { describe, expect, it } from 'vitest';

import { recover, type UnderWay } from './recovery.js';
import type { WaitingCall } from './waiting-calls.js';

const turnId = '00000000-0000-4000-8000-000000000001' as TurnId;
const other = '00000000-0000-4000-8000-000000000002' as TurnId;
const commandId = '00000000-0000-4000-8000-000000000003' as CommandId;
const blockId = 'm:0' as BlockId;
const call = {
  turnId,
  toolUseId: 'toolu_1',
  name: 'Bash',
  title: 'Run ls',
  parentToolUseId: null,
  calledAt: 1,
  isReleased: true,
  answeredBy: commandId,
};
const left: UnderWay = {
  turnId,
  startedAt: 1,
  interruptIds: [],
  blocks: [{ turnId, blockId, kind: 'text', tool: null, parentToolUseId: null, text: 'so far' }],
  tools: [call],
  waiting: [],
};
const waiting: WaitingCall = {
  approval: {
    approvalId: 'toolu_1' as ApprovalId,
    turnId,
    kind: 'tool',
    tool: 'Bash',
    title: 'Run ls',
    input: { command: 'ls' },
    sessionRule: null,
    agent: null,
    askedAt: new Date(0).toISOString(),
  },
  uncut: null,
  rule: null,
  messageIds: [],
  ofSubagent: false,
  isAsked: true,
};
const started = (id: TurnId): AgentEvent => ({ type: 'turn.started', turnId: id, messageIds: [] });
const ended = (id: TurnId): AgentEvent => ({
  type: 'turn.ended',
  turnId: id,
  outcome: 'completed',
  reason: null,
  message: null,
  usage: { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0 },
  durationMs: 1,
});
const typesOf = ({ events }: ReturnType<typeof recover>): string[] => events.map(({ event }) => event.type);

describe('recovery', () => {
  it('has nothing to say where nothing was under way', () => {
    const nothing = { events: [], waiting: [] };
    expect(recover(null, [started(turnId), ended(turnId)])).toEqual(nothing);
    expect(recover(null, [])).toEqual(nothing);
  });

  it('tells what a killed turn had: text, calls, the end', () => {
    const { events, ...rest } = recover(left, [started(turnId)]);
    expect(typesOf({ events, ...rest })).toEqual(['block.interrupted', 'tool.finished', 'turn.ended']);
    expect(events[0]?.event).toMatchObject({ blockId, text: { text: 'so far' } });
    expect(events[1]?.event).toMatchObject({ outcome: 'unknown' });
    expect(events[1]?.commandIds).toEqual([commandId]);
    expect(events[2]?.event).toMatchObject({ turnId, outcome: 'interrupted' });
  });

  it('says of a call that waited for an answer that it never ran, and keeps its question', () => {
    const tools = [{ ...call, isReleased: false, answeredBy: null }];
    const asked = { ...left, tools, waiting: [waiting] };
    const recovered = recover(asked, [started(turnId)]);
    expect(typesOf(recovered)).toEqual(['block.interrupted', 'tool.finished', 'turn.ended']);
    expect(recovered.events[1]?.event).toMatchObject({ outcome: 'interrupted' });
    expect(recovered.events[2]?.event).toMatchObject({ reason: expect.stringContaining('answer it') });
    expect(recovered.waiting).toEqual([waiting]);
    const later = recover({ ...asked, turnId: null, blocks: [], tools: [] }, []);
    expect(later).toEqual({ events: [], waiting: [waiting] });
  });

  it('ends a question that nobody can ask again, or that a person stopped', () => {
    const ofSubagent = { ...waiting, ofSubagent: true };
    const stopped = recover({ ...left, interruptIds: [commandId], waiting: [waiting] }, [started(turnId)]);
    for (const recovered of [recover({ ...left, turnId: null, waiting: [ofSubagent] }, []), stopped]) {
      expect(recovered.waiting).toEqual([]);
      expect(recovered.events[0]?.event).toMatchObject({ type: 'approval.expired', approvalId: 'toolu_1' });
    }
    const expired: AgentEvent = { type: 'approval.expired', approvalId: 'toolu_1' as ApprovalId, reason: '' };
    expect(recover({ ...left, turnId: null, waiting: [ofSubagent] }, [expired]).events).not.toContainEqual(
      expect.objectContaining({ event: expect.objectContaining({ type: 'approval.expired' }) }),
    );
  });

  it('believes the journal where the record is older', () => {
    expect(recover(left, [started(turnId), ended(turnId)]).events).toEqual([]);
    const text: AgentEvent = {
      type: 'text',
      turnId,
      blockId,
      text: { text: 'so far and more', bytes: 15 },
      parentToolUseId: null,
    };
    expect(typesOf(recover(left, [started(turnId), text]))).toEqual(['tool.finished', 'turn.ended']);
  });

  it('ends a turn whose beginning is in the journal although no record of it was written', () => {
    const { events } = recover(null, [started(other), ended(other), started(turnId)]);
    expect(events.map(({ event }) => event)).toMatchObject([{ type: 'turn.ended', turnId, outcome: 'interrupted' }]);
  });

  it('ends a turn whose beginning was acknowledged and removed, and the interrupts with it', () => {
    const recovered = recover({ ...left, blocks: [], tools: [], interruptIds: [commandId] }, []);
    expect(typesOf(recovered)).toEqual(['turn.ended']);
    expect(recovered.events[0]?.commandIds).toEqual([commandId]);
  });
});

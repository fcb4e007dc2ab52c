import type { AgentEvent, ApprovalId, BlockId, CommandId, TurnId } from '@remote-claude/contract';
import { describe, expect, it } from 'vitest';

import { recover, type UnderWay } from './recovery.js';

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
  approvals: [],
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
const typesOf = (events: ReturnType<typeof recover>): string[] => events.map(({ event }) => event.type);

describe('recovery', () => {
  it('has nothing to say where nothing was under way', () => {
    expect(recover(null, [started(turnId), ended(turnId)])).toEqual([]);
    expect(recover(null, [])).toEqual([]);
  });

  it('tells what a killed turn had: text, calls, the end', () => {
    const events = recover(left, [started(turnId)]);
    expect(typesOf(events)).toEqual(['block.interrupted', 'tool.finished', 'turn.ended']);
    expect(events[0]?.event).toMatchObject({ blockId, text: { text: 'so far' } });
    expect(events[1]?.event).toMatchObject({ outcome: 'unknown' });
    expect(events[1]?.commandIds).toEqual([commandId]);
    expect(events[2]?.event).toMatchObject({ turnId, outcome: 'interrupted' });
  });

  it('says of a call that waited for an answer that it never ran', () => {
    const waiting = {
      ...left,
      tools: [{ ...call, isReleased: false, answeredBy: null }],
      approvals: ['toolu_1' as ApprovalId],
    };
    const events = recover(waiting, [started(turnId)]);
    expect(typesOf(events)).toEqual(['approval.expired', 'block.interrupted', 'tool.finished', 'turn.ended']);
    expect(events[2]?.event).toMatchObject({ outcome: 'interrupted' });
  });

  it('believes the journal where the record is older', () => {
    expect(recover(left, [started(turnId), ended(turnId)])).toEqual([]);
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
    const events = recover(null, [started(other), ended(other), started(turnId)]);
    expect(events.map(({ event }) => event)).toMatchObject([{ type: 'turn.ended', turnId, outcome: 'interrupted' }]);
  });

  it('ends a turn whose beginning was acknowledged and removed, and the interrupts with it', () => {
    const events = recover({ ...left, blocks: [], tools: [], interruptIds: [commandId] }, []);
    expect(typesOf(events)).toEqual(['turn.ended']);
    expect(events[0]?.commandIds).toEqual([commandId]);
  });
});

/**
 * What a killed agent left unfinished, and the events that say so. Pure: it reads what was on the disk and decides.
 * A call that was released may have run, so its outcome is unknown and it is never repeated; one that waited never ran.
 */
import {
  approvalId,
  commandId,
  noTokens,
  openBlock,
  turnId,
  type AgentEvent,
  type BoundedText,
  type CommandId,
  type TurnId,
} from '@remote-claude/contract';
import { z } from 'zod';

import { interruptedBlock } from './turns.js';

/** The unnumbered record of the journal: all that is under way. */
export const underWay = z.object({
  turnId,
  startedAt: z.number(),
  interruptIds: z.array(commandId),
  blocks: z.array(openBlock),
  tools: z.array(
    z.object({
      turnId,
      toolUseId: z.string(),
      name: z.string(),
      title: z.string(),
      parentToolUseId: z.string().nullable(),
      calledAt: z.number(),
      isReleased: z.boolean(),
      answeredBy: commandId.nullable(),
    }),
  ),
  approvals: z.array(approvalId),
});
export type UnderWay = z.infer<typeof underWay>;

export interface Recovered {
  event: AgentEvent;
  commandIds: readonly CommandId[];
}

const reason =
  'The session was cut off in the middle of this turn. What Claude had written is kept; send a message to go on.';

/** `recorded` are the events of earlier lives that are still on the disk. */
export const recover = (left: UnderWay | null, recorded: readonly AgentEvent[]): Recovered[] => {
  const seen = seenIn(recorded);
  const record = left !== null && !seen.ended.has(left.turnId) ? left : null;
  const events: Recovered[] = [];
  const add = (event: AgentEvent, commandIds: readonly CommandId[] = []): void =>
    void events.push({ event, commandIds });

  for (const id of record?.approvals ?? []) {
    if (!seen.expired.has(id))
      add({
        type: 'approval.expired',
        approvalId: id,
        reason: 'The session was cut off before anyone answered; the call never ran.',
      });
  }
  for (const block of record?.blocks ?? []) {
    if (block.text !== '' && !seen.blocks.has(block.blockId)) add(interruptedBlock(block, () => null));
  }
  for (const call of record?.tools ?? []) {
    if (seen.finished.has(call.toolUseId)) continue;
    const { isReleased, calledAt: _calledAt, answeredBy, ...named } = call;
    const output: BoundedText = { text: '', bytes: 0 };
    const outcome = isReleased ? 'unknown' : 'interrupted';
    add({ type: 'tool.finished', ...named, outcome, output, durationMs: 0 }, answeredBy === null ? [] : [answeredBy]);
  }
  const unfinished = new Set<TurnId>([
    ...[...seen.started].filter((id) => !seen.ended.has(id)),
    ...(record === null ? [] : [record.turnId]),
  ]);
  for (const id of unfinished) {
    const commandIds = record?.turnId === id ? record.interruptIds : [];
    const ended = {
      turnId: id,
      outcome: 'interrupted',
      reason,
      message: null,
      usage: noTokens,
      durationMs: 0,
    } as const;
    add({ type: 'turn.ended', ...ended }, commandIds);
  }
  return events;
};

const seenIn = (recorded: readonly AgentEvent[]) => {
  const seen = {
    started: new Set<TurnId>(),
    ended: new Set<TurnId>(),
    blocks: new Set<string>(),
    finished: new Set<string>(),
    expired: new Set<string>(),
  };
  for (const event of recorded) {
    if (event.type === 'turn.started') seen.started.add(event.turnId);
    if (event.type === 'turn.ended') seen.ended.add(event.turnId);
    if (event.type === 'text' || event.type === 'thinking' || event.type === 'block.interrupted')
      seen.blocks.add(event.blockId);
    if (event.type === 'tool.finished') seen.finished.add(event.toolUseId);
    if (event.type === 'approval.expired') seen.expired.add(event.approvalId);
  }
  return seen;
};

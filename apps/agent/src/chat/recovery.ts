/**
 * What a killed agent left unfinished, and the events that say so. Pure: it reads what was on the disk and decides.
 * A call that was released may have run, so its outcome is unknown and it is never repeated; one that waited never ran.
 */
import {
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
import { waitingCall, whyGone, type WaitingCall } from './waiting-calls.js';

/** The unnumbered record of the journal: all that is under way. */
export const underWay = z.object({
  /** null where only something in the background is under way, or something waits. */
  turnId: turnId.nullable(),
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
  waiting: z.array(waitingCall).default([]),
});
export type UnderWay = z.infer<typeof underWay>;

export interface Recovered {
  events: { event: AgentEvent; commandIds: readonly CommandId[] }[];
  /** Calls that still wait for an answer: Claude is asked to make them again when it comes. */
  waiting: WaitingCall[];
}

const reason = 'The session was cut off in the middle of this turn. What Claude had written is kept.';
const goOnSentence = 'Send a message to go on.';
/** After why a turn ended that still waits for an answer. */
export const keptSentence = 'Its question is kept: answer it, and Claude goes on.';
const stopped = 'The turn was ended before anyone answered; the call never ran.';

/** `recorded` are the events of earlier lives that are still on the disk. */
export const recover = (left: UnderWay | null, recorded: readonly AgentEvent[]): Recovered => {
  const seen = seenIn(recorded);
  const isOver = left === null || (left.turnId !== null && seen.ended.has(left.turnId));
  const record = isOver ? null : left;
  const wasStopped = record !== null && record.interruptIds.length > 0;
  const events: Recovered['events'] = [];
  const waiting: WaitingCall[] = [];
  const add = (event: AgentEvent, commandIds: readonly CommandId[] = []): void =>
    void events.push({ event, commandIds });

  for (const call of left?.waiting ?? []) {
    const { approvalId, turnId: asker } = call.approval;
    if (seen.expired.has(approvalId)) continue;
    const expired = wasStopped && asker === record?.turnId ? stopped : whyGone(call);
    if (expired === null) waiting.push(call);
    else add({ type: 'approval.expired', approvalId, reason: expired });
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
    ...(record === null || record.turnId === null ? [] : [record.turnId]),
  ]);
  for (const id of unfinished) {
    const commandIds = record?.turnId === id ? record.interruptIds : [];
    const asks = waiting.some(({ approval }) => approval.turnId === id);
    const ended = {
      turnId: id,
      outcome: 'interrupted',
      reason: asks ? `${reason} ${keptSentence}` : `${reason} ${goOnSentence}`,
      message: null,
      usage: noTokens,
      durationMs: 0,
    } as const;
    add({ type: 'turn.ended', ...ended }, commandIds);
  }
  return { events, waiting };
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

// A task's state follows from events: it is the state of the message that it is, and of the turn that works on it.

import { maxInlineText, type EventOf, type ServerEvent, type Task, type TaskStatus } from '@remote-claude/contract';

import type { Trx } from '../../platform/database/index.js';
import type { Change, Projection } from '../events/index.js';
import type { TaskMove, TasksStore } from './store.js';

type Move = Omit<TaskMove, 'at'>;

const unfinished: readonly TaskStatus[] = ['queued', 'running', 'needs_input'];
const atWork: readonly TaskStatus[] = ['running', 'needs_input'];

/** What an event does to tasks; null for nothing. Pure. */
const taskMoveOf = ({ event, before, after, by }: Pick<Change, 'event' | 'before' | 'after' | 'by'>): Move | null => {
  switch (event.type) {
    case 'turn.started':
      // A turn that goes on after its process was lost names the same messages again.
      return { messageIds: event.messageIds, from: ['queued', 'needs_input'], to: 'running', result: null };
    case 'approval.asked':
      return { messageIds: after.turn?.messageIds ?? [], from: ['running'], to: 'needs_input', result: null };
    case 'approval.expired':
      if (after.turn === null && after.approvals.length === 0) return givenUp(event.reason);
      return answeredMove(after);
    case 'approval.answered':
      return answeredMove(after);
    case 'turn.ended':
      if (before.turn?.turnId !== event.turnId) return null;
      // Its process is gone and its question is kept: Claude goes on when it is answered.
      if (event.outcome === 'interrupted' && after.approvals.some(({ turnId }) => turnId === event.turnId)) return null;
      return { messageIds: before.turn.messageIds, from: atWork, ...endOf(event, by) };
    case 'message.withdrawn':
      return { messageIds: [event.messageId], from: ['queued'], to: 'cancelled', result: null };
    case 'command.refused':
      if (event.command === 'answer') return after.turn === null ? givenUp(event.reason) : null;
      return { messageIds: [event.commandId], from: ['queued'], to: 'failed', result: event.reason };
    case 'place.changed':
      if (event.wanted !== 'terminated') return null;
      return { messageIds: null, from: unfinished, to: 'cancelled', result: 'The session was terminated.' };
    default:
      return null;
  }
};

const answeredMove = ({ approvals, turn }: Change['after']): Move | null =>
  approvals.length > 0
    ? null
    : { messageIds: turn?.messageIds ?? [], from: ['needs_input'], to: 'running', result: null };

/** No question is left that could let a waiting task go on. */
const givenUp = (result: string): Move => ({ messageIds: null, from: ['needs_input'], to: 'failed', result });

/** A turn that a person interrupted was cancelled; one that the server had to end has failed. */
const endOf = (event: EventOf<'turn.ended'>, by: Change['by']): Pick<Move, 'to' | 'result'> => {
  if (event.outcome === 'completed') return { to: 'done', result: event.message?.text ?? null };
  const result = event.reason ?? event.message?.text ?? null;
  return { to: event.outcome === 'interrupted' && by === 'agent' ? 'cancelled' : 'failed', result };
};

export const taskChanged = (task: Task): ServerEvent => {
  const text = task.result?.slice(0, maxInlineText) ?? null;
  return {
    type: 'task.changed',
    taskId: task.id,
    name: task.name,
    status: task.status,
    result: text === null ? null : { text, bytes: Buffer.byteLength(text) },
  };
};

export const createTaskProjection = (store: TasksStore): Projection => ({
  types: new Set([
    'turn.started',
    'approval.asked',
    'approval.answered',
    'approval.expired',
    'turn.ended',
    'message.withdrawn',
    'command.refused',
    'place.changed',
  ]),
  async apply(trx: Trx, change: Change): Promise<ServerEvent[]> {
    const move = taskMoveOf(change);
    return move === null ? [] : (await store.move(trx, change.sessionId, { ...move, at: change.at })).map(taskChanged);
  },
});

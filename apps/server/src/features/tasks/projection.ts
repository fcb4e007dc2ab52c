// A task's state follows from events: it is the state of the message that it is, and of the turn that works on it.

import {
  maxInlineText,
  type EventOf,
  type OpenApproval,
  type ServerEvent,
  type Task,
  type TaskStatus,
} from '@remote-claude/contract';

import type { Trx } from '../../platform/database/index.js';
import type { Change, Projection } from '../events/index.js';
import type { TaskMove, TasksStore } from './store.js';

export type Move = Omit<TaskMove, 'at'>;
type State = Change['after'];
type Seen = Pick<Change, 'event' | 'before' | 'after' | 'by'>;

const unfinished: readonly TaskStatus[] = ['queued', 'running', 'needs_input'];
const atWork: readonly TaskStatus[] = ['running', 'needs_input'];
const over: readonly TaskStatus[] = ['done', 'failed', 'cancelled'];

/** The messages that wait with a question; null where its agent did not say so, and its turn is over. */
const messagesOf = ({ messageIds, turnId }: OpenApproval, { turn }: State): readonly string[] | null =>
  messageIds ?? (turn !== null && turn.turnId === turnId ? turn.messageIds : null);

/**
 * What an event does to tasks. Pure. `refused` is the question of an answer that is refused, where the event is that.
 *
 * A task is its message. It needs input while a question of its message is open, be it asked in this turn or kept from one
 * whose process is gone; it runs while a turn names its message; and it is given up when no question is left to go on with.
 */
export const taskMovesOf = ({ event, before, after, by }: Seen, refused: OpenApproval | null): Move[] => {
  switch (event.type) {
    case 'turn.started': {
      // A turn that goes on after its process was lost names the same messages again.
      const [asking, free] = split(event.messageIds, (id) => isAsking(after, id));
      return [
        { messageIds: free, from: ['queued', 'needs_input', ...over], to: 'running', result: null },
        { messageIds: asking, from: ['queued', ...over], to: 'needs_input', result: null },
      ];
    }
    case 'approval.asked':
      return [
        { messageIds: messagesOf(event.approval, after) ?? [], from: ['running'], to: 'needs_input', result: null },
      ];
    case 'approval.answered':
    case 'approval.expired': {
      const asked = before.approvals.find(({ approvalId }) => approvalId === event.approvalId);
      if (asked === undefined) return [];
      return withoutQuestion(after, messagesOf(asked, after), event.type === 'approval.expired' ? event.reason : null);
    }
    case 'turn.ended': {
      if (before.turn?.turnId !== event.turnId) return [];
      // Its process is gone and its question is kept: Claude goes on when it is answered.
      const isKept = event.outcome === 'interrupted';
      const messageIds = before.turn.messageIds.filter((id) => !(isKept && isAsking(after, id, event.turnId)));
      return [{ messageIds, from: atWork, ...endOf(event, by) }];
    }
    case 'message.withdrawn':
      return [{ messageIds: [event.messageId], from: ['queued'], to: 'cancelled', result: null }];
    case 'command.refused':
      if (refused !== null) return withoutQuestion(after, messagesOf(refused, after), event.reason);
      return [{ messageIds: [event.commandId], from: ['queued'], to: 'failed', result: event.reason }];
    case 'place.changed':
      return event.wanted === 'terminated'
        ? [{ messageIds: null, from: unfinished, to: 'cancelled', result: 'The session was terminated.' }]
        : [];
    default:
      return [];
  }
};

/** Whether a question is open with which this message waits. `turnId`: of an older agent's question, the turn that just ended. */
const isAsking = (state: State, messageId: string, turnId?: string): boolean =>
  state.approvals.some(
    (asked) => messagesOf(asked, state)?.includes(messageId) ?? (turnId !== undefined && asked.turnId === turnId),
  );

/**
 * A question is no longer open. `gone`: it was not answered, or its answer reached nobody. A kept one that was answered
 * changes nothing before its turn begins.
 */
const withoutQuestion = (after: State, messageIds: readonly string[] | null, gone: string | null): Move[] => {
  if (messageIds === null) {
    // It is not known whose question it was: it was the last, and nothing runs.
    const isLast = gone !== null && after.turn === null && after.approvals.length === 0;
    return isLast ? [{ messageIds: null, from: ['needs_input'], to: 'failed', result: gone }] : [];
  }
  const free = messageIds.filter((id) => !isAsking(after, id));
  const [working, left] = split(free, (id) => after.turn?.messageIds.some((one) => one === id) === true);
  return [
    { messageIds: working, from: ['needs_input'], to: 'running', result: null },
    ...(gone === null ? [] : [{ messageIds: left, from: ['needs_input'], to: 'failed', result: gone } as const]),
  ];
};

const split = (ids: readonly string[], isFirst: (id: string) => boolean): [string[], string[]] => [
  ids.filter(isFirst),
  ids.filter((id) => !isFirst(id)),
];

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
    const { event, sessionId, at } = change;
    const isAnswer = event.type === 'command.refused' && event.command === 'answer';
    const refused = isAnswer ? await store.questionOf(trx, sessionId, event.commandId) : null;
    const moved: Task[] = [];
    for (const move of taskMovesOf(change, refused)) moved.push(...(await store.move(trx, sessionId, { ...move, at })));
    return moved.map(taskChanged);
  },
});

/** The durable events of a session: one union, numbered by one table. Knows nothing of how they are stored. */
import { z } from 'zod';

import type { commandId } from '../ids.js';
import { timestamp } from '../ids.js';
import { agentEvents, type AgentEvent } from './agent-events.js';
import { serverEvents } from './server-events.js';

export * from './agent-events.js';
export { serverEvent, serverEvents, type ServerEvent } from './server-events.js';

/** Bytes of one event as JSON. What is larger is cut, or a blob named by its hash. */
export const maxEventBytes = 64 * 1024;

export const sessionEvent = z.discriminatedUnion('type', [...agentEvents, ...serverEvents]);
export type SessionEvent = z.infer<typeof sessionEvent>;
export type EventType = SessionEvent['type'];
export type EventOf<T extends EventType> = Extract<SessionEvent, { type: T }>;

/** An event with its place in the session's log: `seq` counts from 1 without a gap. */
export const numberedEvent = z.object({ seq: z.int().positive(), at: timestamp, event: sessionEvent });
export type NumberedEvent = z.infer<typeof numberedEvent>;

/**
 * What a writer offers. `source` is new with each new journal and `n` counts in it from 1, so a repeat is harmless.
 * `commandIds` are the commands that this event is the effect of: with it they are done.
 */
export interface Proposal<E extends SessionEvent = SessionEvent> {
  source: string;
  n: number;
  event: E;
  commandIds?: readonly z.infer<typeof commandId>[];
}
export type AgentProposal = Proposal<AgentEvent>;

/** The version since which each event exists; an event without one does not compile. */
export const eventVersions: { readonly [T in EventType]: number } = {
  'session.created': 1,
  'session.forked': 1,
  'fork.filled': 1,
  'session.renamed': 1,
  'setup.asked': 1,
  'setup.started': 1,
  'setup.output': 1,
  'setup.ended': 1,
  'message.user': 1,
  'message.withdrawn': 1,
  'approval.asked': 1,
  'approval.answered': 1,
  'approval.expired': 1,
  'place.changed': 1,
  'task.changed': 1,
  'usage.recorded': 1,
  'claude.started': 1,
  'claude.configured': 1,
  'turn.started': 1,
  'turn.ended': 1,
  text: 1,
  thinking: 1,
  'block.interrupted': 1,
  'tool.called': 1,
  'tool.finished': 1,
  'todo.changed': 1,
  'context.compacted': 1,
  'command.refused': 1,
  'checkpoint.taken': 1,
  'checkpoint.dropped': 1,
  'rewind.asked': 1,
  'rewind.done': 1,
  'terminal.opened': 1,
  'terminal.renamed': 1,
  'terminal.ended': 1,
  'terminal.closed': 1,
};

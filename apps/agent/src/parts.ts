/** The seams between the agent's parts: what each gives to the others. It knows none of them. */
import type { IncomingMessage, ServerResponse } from 'node:http';

import type { AgentCommand, AgentEvent, CommandId, OpenBlock, ServerMessage } from '@remote-claude/contract';
import type { WebSocket } from 'ws';

/**
 * Offers a durable event. Resolves when it is on the session's disk, which pauses whoever waits while the journal is full.
 * `written` resolves before the disk was made to keep it: that outlives every process, though not a loss of power.
 */
export type Propose = (
  event: AgentEvent,
  commandIds?: readonly CommandId[],
  until?: 'kept' | 'written',
) => Promise<void>;

/** What the conversation is told; the set-up of the session is another part's. */
export type ChatCommand = Exclude<AgentCommand, { type: 'setup' }>;

/** One JSON line on stderr. No secret, no content of a conversation. */
export type Log = (level: 'info' | 'warn' | 'error', message: string, fields?: Record<string, unknown>) => void;

/** A part of the HTTP server: true where it has answered (or has taken it upon itself to), false where the path is not its own. */
export interface HttpPart {
  handle(request: IncomingMessage, response: ServerResponse, url: URL): Promise<boolean>;
}

/** The live sockets. `accept` owns the socket from then on; its messages are not yet parsed. `url` is what was asked for. */
export interface LivePart {
  accept(socket: WebSocket, url: URL): void;
  close(): Promise<void>;
}

/** What the chat shows while it works: passing messages for every live socket, and what a late reader needs first. */
export interface ChatFeed {
  /** The listener must not throw and must not keep the message. Returns the unsubscribe function. */
  subscribe(listener: (message: ServerMessage) => void): () => void;
  openBlocks(): readonly OpenBlock[];
}

/** How long nothing has happened in a part; 0 while something is under way. */
export interface ActivitySource {
  idleMs(): number;
}

// The door to the agents as whoever reaches into a session sees it, wherever the gateway is.

import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import type { WebSocket } from 'ws';

export interface AgentRequest {
  method: string;
  /** With its query. */
  path: string;
  headers?: Record<string, string>;
  /** A stream is passed through as it comes. */
  body?: Readable | string;
  /** How long the agent may think once it has the whole request; a minute where it is not said. */
  thinkMs?: number;
  /** Ends the request when the caller has gone. */
  signal?: AbortSignal;
}

export interface AgentResponse {
  status: number;
  headers: IncomingMessage['headers'];
  /** Must be read to its end or destroyed. */
  body: Readable;
}

export interface AgentDoor {
  /**
   * An open socket to the agent. Errors: `not_found`, `session_not_running`, `place_unreachable`.
   * Messages that came right behind the handshake wait until the caller's turn of the event loop is over.
   */
  connect(sessionId: string, path: string): Promise<WebSocket>;
  /** Resolves with the head of the answer. Errors as of `connect`, and `client_closed` where `signal` ended it. */
  request(sessionId: string, request: AgentRequest): Promise<AgentResponse>;
}

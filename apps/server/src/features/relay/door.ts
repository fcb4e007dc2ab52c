// The door to the agents, for roles in one process: WebSockets and HTTP to the agent of a session.
// It knows addresses and secrets; it does not know what is said.

import { request as httpRequest, type IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { AppError, maxFrameBytes } from '@remote-claude/contract';
import type { Address } from '@remote-claude/compute';
import { WebSocket } from 'ws';

import type { Log } from '../../platform/log.js';
import { dial } from './dial.js';
import type { DoorStore } from './store.js';

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

export interface AgentDoorDeps {
  store: DoorStore;
  /** The secret that the agent of this place was started with. */
  secretOf(placeId: string): string;
  log: Log;
  /** How long a connection and a handshake may take. */
  timeoutMs?: number;
}

export const createAgentDoor = ({ store, secretOf, log, timeoutMs = 5_000 }: AgentDoorDeps): AgentDoor => {
  const find = async (sessionId: string): Promise<{ address: Address; authorization: string; silent: boolean }> => {
    const row = await store.find(sessionId);
    if (row === null) throw new AppError('not_found');
    if (row.placeId === null || row.doors === null) {
      if (row.wanted === 'running')
        throw new AppError('place_unreachable', { message: 'The session is still starting. Try again shortly.' });
      throw new AppError('session_not_running');
    }
    return { address: row.doors.agent, authorization: `Bearer ${secretOf(row.placeId)}`, silent: row.silent };
  };

  const open = async (sessionId: string) => {
    const { address, ...known } = await find(sessionId);
    try {
      return { socket: await dial(address, timeoutMs), ...known };
    } catch (cause) {
      log.debug({ sessionId, cause: String(cause) }, 'the agent could not be reached');
      throw new AppError('place_unreachable', {}, { cause });
    }
  };

  return {
    async connect(sessionId, path) {
      const { socket, authorization } = await open(sessionId);
      const ws = new WebSocket(`ws://agent${path}`, {
        createConnection: () => socket,
        headers: { authorization },
        handshakeTimeout: timeoutMs,
        maxPayload: maxFrameBytes,
        perMessageDeflate: false,
      });
      return new Promise((resolve, reject) => {
        ws.once('open', () => {
          // Held back until whoever awaits the socket has put its listeners on.
          ws.pause();
          setImmediate(() => ws.resume());
          resolve(ws);
        });
        ws.on('error', (cause) => reject(new AppError('place_unreachable', {}, { cause })));
      });
    },

    async request(sessionId, { method, path, headers, body, signal, thinkMs = 60_000 }) {
      const { socket, authorization, silent } = await open(sessionId);
      // One that is known not to answer is asked nevertheless, and not waited for long.
      const patienceMs = silent ? Math.min(thinkMs, timeoutMs) : thinkMs;
      return new Promise<AgentResponse>((resolve, reject) => {
        const outgoing = httpRequest(
          {
            createConnection: () => socket,
            method,
            path,
            // An agent that refuses in mid-body must not close at once: its answer would be lost with what we still send.
            headers: { host: 'agent', connection: 'keep-alive', ...headers, authorization },
            ...(signal && { signal }),
          },
          (answer) => {
            // An answer that breaks off ends its reader by `error`; nobody listening must not end the process.
            answer.on('error', () => {});
            // One connection, one request, whether or not all of the body was wanted.
            answer.once('close', () => socket.destroy());
            resolve({ status: answer.statusCode ?? 502, headers: answer.headers, body: answer });
          },
        );
        // An agent that takes a request and is silent holds nobody for ever.
        let timer: NodeJS.Timeout | undefined;
        outgoing.once('finish', () => {
          timer = setTimeout(() => outgoing.destroy(new Error('the agent does not answer')), patienceMs);
        });
        outgoing.once('response', () => clearTimeout(timer));
        outgoing.once('close', () => clearTimeout(timer));
        outgoing.on('error', (cause) => {
          socket.destroy();
          reject(new AppError(signal?.aborted === true ? 'client_closed' : 'place_unreachable', {}, { cause }));
        });
        if (body === undefined || typeof body === 'string') {
          outgoing.end(body);
          return;
        }
        body.on('error', (cause) => outgoing.destroy(cause));
        // It may have gone while the connection was made.
        if (body.destroyed && !body.readableEnded) outgoing.destroy(new Error('the caller went away'));
        body.on('close', () => {
          if (!body.readableEnded) outgoing.destroy(new Error('the caller went away'));
        });
        body.pipe(outgoing);
      });
    },
  };
};

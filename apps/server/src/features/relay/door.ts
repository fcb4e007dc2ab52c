// The door to the agents, where the gateway is: WebSockets and HTTP to the agent of a session.
// It knows addresses and secrets; it does not know what is said.

import { request as httpRequest } from 'node:http';
import type { Socket } from 'node:net';
import { AppError, maxFrameBytes } from '@remote-claude/contract';
import type { Address } from '@remote-claude/compute';
import { WebSocket } from 'ws';

import type { Log } from '../../platform/log.js';
import type { AgentDoor } from './agent-door.js';
import { dial } from './dial.js';
import { exchange, opened } from './exchange.js';
import type { DoorStore } from './store.js';

/** Where the gateway is. */
export interface LocalDoor extends AgentDoor {
  /** A connection to the agent, and what opens it. Errors as of `connect`. The caller owns the socket. */
  reach(sessionId: string): Promise<{ socket: Socket; authorization: string }>;
}

export interface AgentDoorDeps {
  store: DoorStore;
  /** The secret that the agent of this place was started with. */
  secretOf(placeId: string): string;
  log: Log;
  /** How long a connection and a handshake may take. */
  timeoutMs?: number;
}

export const createAgentDoor = ({ store, secretOf, log, timeoutMs = 5_000 }: AgentDoorDeps): LocalDoor => {
  const find = async (sessionId: string): Promise<{ address: Address; authorization: string; silent: boolean }> => {
    const row = await store.find(sessionId);
    if (row === null) throw new AppError('not_found');
    if (row.placeId === null || row.doors === null) {
      if (row.wanted === 'running')
        throw new AppError('place_unreachable', {
          message: 'The session is still starting, or waits in line. Try again when it runs.',
        });
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
    reach: open,

    async connect(sessionId, path) {
      const { socket, authorization } = await open(sessionId);
      const ws = new WebSocket(`ws://agent${path}`, {
        createConnection: () => socket,
        headers: { authorization },
        handshakeTimeout: timeoutMs,
        maxPayload: maxFrameBytes,
        perMessageDeflate: false,
      });
      return opened(ws);
    },

    async request(sessionId, { method, path, headers, body, signal, thinkMs = 60_000 }) {
      const { socket, authorization, silent } = await open(sessionId);
      // One that is known not to answer is asked nevertheless, and not waited for long.
      const patienceMs = silent ? Math.min(thinkMs, timeoutMs) : thinkMs;
      return exchange(
        () =>
          httpRequest({
            createConnection: () => socket,
            method,
            path,
            // An agent that refuses in mid-body must not close at once: its answer would be lost with what we still send.
            headers: { host: 'agent', connection: 'keep-alive', ...headers, authorization },
            ...(signal && { signal }),
          }),
        { body, signal, patienceMs },
        // One connection, one request, whether or not all of the body was wanted.
        () => socket.destroy(),
      );
    },
  };
};

// One listener per session, at the address that its place can reach: the session's only way out.
// It knows which session asks by the listener, and that it may by the token.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { rm } from 'node:fs/promises';
import { listenOptions, type Address } from '@remote-claude/compute';

import type { Log } from '../../platform/log.js';
import { equalInConstantTime } from '../../platform/tokens.js';
import { refuseCall } from './proxy.js';

/** A session's request that was let in. */
export type SessionCall = (request: IncomingMessage, response: ServerResponse, sessionId: string) => Promise<void>;

export interface DoorsDeps {
  /** The token of a place; worth something only at this session's door. */
  tokenOf(placeId: string): string;
  call: SessionCall;
  log: Log;
}

interface Door {
  placeId: string;
  server: Server;
  /** Under way. */
  calls: number;
}

const maxConnections = 64;
const maxCalls = 16;
/** For receiving a whole request. */
const requestTimeoutMs = 120_000;

/** Paths that a session may call. Everything else is refused with the reason. */
const allowed = new Set(['/v1/messages', '/v1/messages/count_tokens']);

export const createDoors = ({ tokenOf, call, log }: DoorsDeps) => {
  const doors = new Map<string, Door>();

  const answer = async (
    request: IncomingMessage,
    response: ServerResponse,
    sessionId: string,
    placeId: string,
  ): Promise<void> => {
    const path = (request.url ?? '').split('?')[0] ?? '';
    const { authorization, 'x-api-key': apiKey } = request.headers;
    const token = authorization?.replace(/^Bearer /, '') ?? (typeof apiKey === 'string' ? apiKey : '');
    if (!equalInConstantTime(token, tokenOf(placeId))) {
      return refuseCall(response, 401, 'authentication_error', 'This token is not the one of this session.');
    }
    if (request.method !== 'POST' || !allowed.has(path)) {
      log.info({ sessionId, method: request.method, path }, 'the gateway refused a request');
      return refuseCall(
        response,
        403,
        'permission_error',
        `The gateway lets sessions reach ${[...allowed].join(' and ')} only, not ${request.method} ${path}.`,
      );
    }
    const door = doors.get(sessionId);
    if (door === undefined || door.calls >= maxCalls) {
      return refuseCall(response, 429, 'rate_limit_error', `This session has ${maxCalls} calls under way already.`);
    }
    door.calls += 1;
    try {
      await call(request, response, sessionId);
    } finally {
      door.calls -= 1;
    }
  };

  const listen = async (server: Server, address: Address): Promise<void> => {
    // A socket file that a killed server left would refuse the new one.
    if (address.kind === 'unix') await rm(address.path, { force: true });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(listenOptions(address), () => resolve());
    });
  };

  const shut = async (server: Server): Promise<void> => {
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };

  return {
    /** Listens for this place; the same place twice is once, another place replaces it. */
    async open(sessionId: string, placeId: string, address: Address): Promise<void> {
      const before = doors.get(sessionId);
      if (before?.placeId === placeId) return;
      if (before !== undefined) await shut(before.server);
      const server = createServer((request, response) => {
        request.on('error', () => {});
        answer(request, response, sessionId, placeId).catch((error: unknown) => {
          log.error({ err: error, sessionId }, 'a call through the gateway failed');
          refuseCall(response, 500, 'api_error', 'The gateway failed. Try again.');
        });
      });
      // What one session may hold open; a call's answer may take as long as it takes.
      server.maxConnections = maxConnections;
      server.requestTimeout = requestTimeoutMs;
      server.on('clientError', (_error, socket) => socket.destroy());
      // Known at once, so that a second call for this place does not listen too; forgotten where it cannot listen.
      const door = { placeId, server, calls: 0 };
      doors.set(sessionId, door);
      await listen(server, address).catch((error: unknown) => {
        if (doors.get(sessionId) === door) doors.delete(sessionId);
        throw error;
      });
    },
    async close(sessionId: string): Promise<void> {
      const door = doors.get(sessionId);
      doors.delete(sessionId);
      if (door !== undefined) await shut(door.server);
    },
    async closeAll(): Promise<void> {
      const all = [...doors.values()];
      doors.clear();
      await Promise.all(all.map(({ server }) => shut(server)));
    },
  };
};
export type Doors = ReturnType<typeof createDoors>;

// One listener per session, at the address that its place can reach: the session's only way out.
// It knows which session asks by the listener, and that it may by the token.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { randomBytes } from 'node:crypto';
import { rename, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { connect } from 'node:net';
import { listenOptions, openUnixSocketPath, type Address } from '@remote-claude/compute';

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
  /** The socket that we made; another's may stand at its path by now. */
  mark: Mark | null;
}

interface Mark {
  path: string;
  ino: number;
  dev: number;
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

  const listen = async (server: Server, address: Address): Promise<Mark | null> => {
    // Under a name of its own, then moved into place: what a killed server left is replaced, and a server that had this
    // door before and closes late removes a name that is not there any more.
    const at =
      address.kind === 'unix'
        ? { ...address, path: join(dirname(address.path), randomBytes(4).toString('hex')) }
        : address;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(listenOptions(at), () => resolve());
    });
    if (at.kind !== 'unix' || address.kind !== 'unix') return null;
    const { ino, dev } = await stat(at.path);
    await rename(at.path, address.path);
    return { path: address.path, ino, dev };
  };

  /** Whether the socket at its path is the one that it listens at; where it listens without one, it is. */
  const isThere = async ({ mark }: Door): Promise<boolean> => {
    if (mark === null) return true;
    const there = await stat(mark.path).catch(() => null);
    return there?.ino === mark.ino && there.dev === mark.dev;
  };

  /** Its socket stays, dead: to look whether it is still ours and then to remove it could remove that of whoever comes next. */
  const shut = async ({ server }: Door): Promise<void> => {
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };

  /** Takes no more calls; those under way go on to their end. */
  const giveUp = (sessionId: string, door: Door): void => {
    if (doors.get(sessionId) === door) doors.delete(sessionId);
    door.server.close();
  };

  const open = async (sessionId: string, placeId: string, address: Address): Promise<void> => {
    const before = doors.get(sessionId);
    if (before?.placeId === placeId) {
      if (await isThere(before)) return;
      // Another is at it already.
      if (doors.get(sessionId) !== before) return;
      giveUp(sessionId, before);
    } else if (before !== undefined) await shut(before);
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
    const door: Door = { placeId, server, calls: 0, mark: null };
    doors.set(sessionId, door);
    try {
      door.mark = await listen(server, address);
    } catch (error) {
      if (doors.get(sessionId) === door) doors.delete(sessionId);
      server.close();
      throw error;
    }
  };

  return {
    /**
     * Listens for this place; the same place twice is once, another place replaces it. So does a server that had the
     * session meanwhile: what it put at our path, or left there as it went, leads the place to us no more.
     */
    open,
    /** As `open`, but leaves alone a door at which another gateway listens; one of ours that was taken over takes no more calls. */
    async takeOver(sessionId: string, placeId: string, address: Address): Promise<void> {
      const ours = doors.get(sessionId);
      if (ours?.placeId === placeId) {
        if (await isThere(ours)) return;
        giveUp(sessionId, ours);
      }
      const isOld = ours !== undefined && ours.placeId !== placeId;
      if (isOld || !(await isAnswered(address))) await open(sessionId, placeId, address);
    },
    isOpen: (sessionId: string, placeId: string): boolean => doors.get(sessionId)?.placeId === placeId,
    /** That have a door here. */
    sessions: (): string[] => [...doors.keys()],
    async close(sessionId: string): Promise<void> {
      const door = doors.get(sessionId);
      doors.delete(sessionId);
      if (door !== undefined) await shut(door);
    },
    async closeAll(): Promise<void> {
      const all = [...doors.values()];
      doors.clear();
      await Promise.all(all.map(shut));
    },
  };
};

/** Whether somebody listens there. What a session could have put in the socket's place is nobody. */
const isAnswered = async (address: Address): Promise<boolean> => {
  if (address.kind !== 'unix') return false;
  const held = await openUnixSocketPath(address).catch(() => null);
  if (held === null) return false;
  try {
    return await new Promise<boolean>((resolve) => {
      const socket = connect({ path: held.connectPath });
      socket.once('error', () => resolve(false));
      socket.once('connect', () => {
        socket.destroy();
        resolve(true);
      });
    });
  } finally {
    await held.close();
  }
};

export type Doors = ReturnType<typeof createDoors>;

// All sockets of sessions in this process: a room for each session that is watched, and an end for all at a drain.

import { AppError, closeCodeOf, closeServiceRestart } from '@remote-claude/contract';
import type { WebSocket } from 'ws';

import type { Cancel } from '../../platform/clock.js';
import { toAppError, type SocketContext } from '../../platform/http/index.js';
import type { AgentFeedDeps } from './agent-feed.js';
import { openRoom, type Room } from './room.js';
import { serveSocket, type SocketDeps, type ViewerSocket } from './socket.js';

export interface HubDeps extends SocketDeps {
  timing: AgentFeedDeps['timing'];
  /** Tells the sign-ins that end, until the returned function is called; after a gap, those in `open` that have. */
  onRevoked(listener: (loginId: string) => void, open: () => Iterable<string>): () => void;
}

interface OpenSocket {
  loginId: string;
  /** null until its room is there. */
  viewer: ViewerSocket | null;
  socket: WebSocket;
}

const maxRetryJitterMs = 2_000;
/** Longer than an upgrade takes from the look at its sign-in until its socket is here. */
const endedKeptMs = 60_000;

const refuse = (socket: WebSocket, error: AppError): void => {
  socket.close(closeCodeOf(error.code), error.message.slice(0, 100));
  // A socket that is not read does not learn that the other end closed too.
  socket.resume();
};

export const createHub = (deps: HubDeps) => {
  const rooms = new Map<string, { room: Promise<Room>; viewers: number }>();
  const open = new Set<OpenSocket>();
  let draining = false;

  const enter = (sessionId: string): Promise<Room> => {
    const entry = rooms.get(sessionId) ?? { room: openRoom({ ...deps, sessionId }), viewers: 0 };
    entry.viewers += 1;
    rooms.set(sessionId, entry);
    return entry.room;
  };
  const leave = (sessionId: string): void => {
    const entry = rooms.get(sessionId);
    if (entry === undefined) return;
    entry.viewers -= 1;
    if (entry.viewers > 0) return;
    rooms.delete(sessionId);
    entry.room.then(
      (room) => room.close(),
      () => {},
    );
  };

  const sendAway = ({ viewer, socket }: OpenSocket): void => {
    const retryAfterMs = Math.round(Math.random() * maxRetryJitterMs);
    if (viewer === null) socket.close(closeServiceRestart, String(retryAfterMs));
    else viewer.goAway(retryAfterMs);
  };

  const serve = async (socket: WebSocket, context: SocketContext, entry: OpenSocket): Promise<void> => {
    try {
      const room = await enter(context.sessionId);
      if (socket.readyState !== socket.OPEN) return;
      entry.viewer = serveSocket(deps, socket, context, room);
      if (draining) sendAway(entry);
      else socket.resume();
    } catch (thrown) {
      const error = toAppError(thrown);
      if (error.code === 'internal') deps.log.error({ err: error.cause ?? error }, 'a socket could not be served');
      refuse(socket, error);
    }
  };

  /** Sign-ins that ended a moment ago: a socket that was let in just before comes after the news of it. */
  const ended = new Map<string, Cancel>();

  const leaveRevocations = deps.onRevoked(
    (loginId) => {
      ended.get(loginId)?.();
      ended.set(
        loginId,
        deps.clock.after(endedKeptMs, () => ended.delete(loginId)),
      );
      for (const entry of open) {
        if (entry.loginId !== loginId) continue;
        if (entry.viewer === null) refuse(entry.socket, new AppError('unauthenticated'));
        else entry.viewer.revoke();
      }
    },
    () => Array.from(open, (entry) => entry.loginId),
  );

  return {
    /** Takes a socket that was let in; owns it from here on. */
    onSocket(socket: WebSocket, context: SocketContext): void {
      const { loginId } = context.actor;
      if (ended.has(loginId)) {
        socket.on('error', () => {});
        return refuse(socket, new AppError('unauthenticated'));
      }
      const entry: OpenSocket = { loginId, viewer: null, socket };
      open.add(entry);
      // What it says before its room is there waits in the socket.
      socket.pause();
      socket.on('error', () => {});
      socket.once('close', () => {
        open.delete(entry);
        leave(context.sessionId);
      });
      void serve(socket, context, entry);
    },
    count: (): number => open.size,
    /** Tells everyone to come back a little later; for a server that ends. */
    drain(): void {
      draining = true;
      for (const entry of open) sendAway(entry);
    },
    close(): void {
      leaveRevocations();
      for (const cancel of ended.values()) cancel();
      for (const { socket } of open) socket.terminate();
    },
  };
};

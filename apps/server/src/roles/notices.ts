// Socket.IO for what concerns many pages: the session list. It carries hints; the API's answers are the truth.

import type { Session } from '@remote-claude/contract';
import type { Server as HttpServer } from 'node:http';
import { Server } from 'socket.io';

import type { Access, Actor, Origins } from '../platform/http/index.js';

export interface NoticesDeps {
  server: HttpServer;
  access: Access;
  origins: Origins;
  /** Path of the Socket.IO endpoint, base path included. */
  path: string;
  /** Tells sessions that a user may see as they change, until the returned function is called. */
  onSession(userId: string, listener: (session: Session) => void): () => void;
  onRevoked(listener: (loginId: string) => void, open: () => Iterable<string>): () => void;
}

interface ServerEvents {
  session(session: Session): void;
}
interface SocketData {
  actor: Actor;
}

/** Pages at a time: of everybody, and of one person. */
const maxClients = 5_000;
const maxClientsEach = 100;
const maxSaid = 10;

export const createNotices = (deps: NoticesDeps) => {
  const io = new Server<Record<string, never>, ServerEvents, Record<string, never>, SocketData>(deps.server, {
    path: deps.path,
    // Upgrades of the sessions' own sockets are another listener's.
    destroyUpgrade: false,
    serveClient: false,
    transports: ['websocket', 'polling'],
    maxHttpBufferSize: 10_000,
    // Before anything is kept for whoever asks: where they come from, and who they are.
    allowRequest(request, decide) {
      const isAllowed = async (): Promise<boolean> => {
        deps.origins.checkHost(request.headers.host);
        const { origin } = request.headers;
        const isOurs =
          origin === undefined ? request.headers['sec-fetch-site'] === 'same-origin' : deps.origins.allows(origin);
        return isOurs && io.engine.clientsCount < maxClients && (await deps.access.authenticate(request)) !== null;
      };
      isAllowed().then(
        (allowed) => decide(allowed ? null : 'This connection is not taken.', allowed),
        () => decide('This server does not answer at this address.', false),
      );
    },
  });

  io.use((socket, next) => {
    deps.access.authenticate({ headers: socket.request.headers }).then(
      (actor) => {
        if (actor === null) return next(new Error('unauthenticated'));
        const mine = [...io.sockets.sockets.values()].filter((other) => other.data.actor?.userId === actor.userId);
        if (mine.length >= maxClientsEach) return next(new Error('rate_limited'));
        socket.data.actor = actor;
        next();
      },
      () => next(new Error('unauthenticated')),
    );
  });

  io.on('connection', (socket) => {
    const stop = deps.onSession(socket.data.actor.userId, (session) => socket.emit('session', session));
    socket.on('disconnect', stop);
    // Nothing is taken here: whoever goes on talking is no page of ours.
    let said = 0;
    socket.onAny(() => {
      said += 1;
      if (said > maxSaid) socket.disconnect(true);
    });
    // The sign-in may have ended between the look at it and the news of its end.
    deps.access.authenticate({ headers: socket.request.headers }).then(
      (actor) => {
        if (actor === null) socket.disconnect(true);
      },
      () => socket.disconnect(true),
    );
  });

  const stopRevocations = deps.onRevoked(
    (loginId) => {
      for (const socket of io.sockets.sockets.values()) {
        if (socket.data.actor.loginId === loginId) socket.disconnect(true);
      }
    },
    () => Array.from(io.sockets.sockets.values(), (socket) => socket.data.actor.loginId),
  );

  return {
    count: (): number => io.engine.clientsCount,
    async close(): Promise<void> {
      stopRevocations();
      // Not io.close(): that would close the HTTP server, which has another owner.
      io.disconnectSockets(true);
      io.engine.close();
    },
  };
};

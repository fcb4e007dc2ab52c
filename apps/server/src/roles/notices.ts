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

export const createNotices = (deps: NoticesDeps) => {
  const io = new Server<Record<string, never>, ServerEvents, Record<string, never>, SocketData>(deps.server, {
    path: deps.path,
    // Upgrades of the sessions' own sockets are another listener's.
    destroyUpgrade: false,
    serveClient: false,
    transports: ['websocket', 'polling'],
    maxHttpBufferSize: 10_000,
    allowRequest(request, decide) {
      try {
        deps.origins.checkHost(request.headers.host);
        const { origin } = request.headers;
        decide(
          null,
          origin === undefined ? request.headers['sec-fetch-site'] === 'same-origin' : deps.origins.allows(origin),
        );
      } catch {
        decide('This server does not answer at this address.', false);
      }
    },
  });

  io.use((socket, next) => {
    deps.access.authenticate({ headers: socket.request.headers }).then(
      (actor) => {
        if (actor === null) return next(new Error('unauthenticated'));
        socket.data.actor = actor;
        next();
      },
      () => next(new Error('unauthenticated')),
    );
  });

  io.on('connection', (socket) => {
    const stop = deps.onSession(socket.data.actor.userId, (session) => socket.emit('session', session));
    socket.on('disconnect', stop);
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
    async close(): Promise<void> {
      stopRevocations();
      // Not io.close(): that would close the HTTP server, which has another owner.
      io.disconnectSockets(true);
      io.engine.close();
    },
  };
};

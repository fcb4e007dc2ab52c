// The end of an HTTP server: requests under way are given time, then every connection goes. It knows no request.

import type { FastifyInstance } from 'fastify';
import type { Socket } from 'node:net';

const lookEveryMs = 50;

/** Call before it listens. Resolves to a function that closes it within about the time. */
export const closeInTime = (app: FastifyInstance): ((graceMs: number) => Promise<void>) => {
  // Those of sockets too, which the HTTP server forgets when they are upgraded.
  const connections = new Set<Socket>();
  app.server.on('connection', (socket: Socket) => {
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
  });
  return async (graceMs) => {
    // What was kept alive becomes idle when its request is over, and would then keep the server open.
    const idle = setInterval(() => app.server.closeIdleConnections(), lookEveryMs);
    const force = setTimeout(() => {
      for (const socket of connections) socket.destroy();
    }, graceMs);
    try {
      await app.close();
    } finally {
      clearInterval(idle);
      clearTimeout(force);
    }
  };
};

// Notices a socket whose other end is gone: pings, and ends what has not answered for too long.

import type { WebSocket } from 'ws';

import type { Cancel, Clock } from '../../platform/clock.js';

export interface HeartbeatTiming {
  heartbeatMs: number;
  deadMs: number;
}

/** Ends by itself with the socket. Any message counts as a sign of life. */
export const keepAlive = (socket: WebSocket, clock: Clock, { heartbeatMs, deadMs }: HeartbeatTiming): void => {
  let heardAtMs = clock.monotonicMs();
  let cancel: Cancel = () => {};
  const heard = (): void => {
    heardAtMs = clock.monotonicMs();
  };
  const beat = (): void => {
    cancel = clock.after(heartbeatMs, () => {
      if (clock.monotonicMs() - heardAtMs > deadMs) {
        socket.terminate();
        return;
      }
      if (socket.readyState === socket.OPEN) socket.ping();
      beat();
    });
  };
  socket.on('message', heard);
  socket.on('pong', heard);
  socket.on('ping', heard);
  socket.once('close', () => cancel());
  beat();
};

// Requests whose body does not come: ended, so that nobody holds a connection by sending a byte now and then.
// What we do not take is not held against the sender. It knows no route.

import type { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';

export interface BodyTiming {
  /** A request's headers, and a connection that says nothing. Node's own look at it. */
  headersMs: number;
  /** A body of which nothing comes for so long is given up. */
  idleMs: number;
  /** The whole of a small one. */
  smallMs: number;
}

export interface SlowBodies {
  watch(request: IncomingMessage, kind: 'small' | 'large'): void;
  /**
   * Reads and drops what is left of a body that nobody wants, up to a limit: its sender may read our answer only then, and the
   * connection goes on. Beyond it nothing more is read, and the connection ends: our half at once, behind the answer, and the
   * whole a little later, since a reset would take an answer away that was not read yet.
   */
  drop(request: IncomingMessage, maxBytes: number): void;
  close(): void;
}

interface Watched {
  bytes: number;
  movedAtMs: number;
  endsAtMs: number;
}

const droppedLookMs = 10;
/** For who has our answer to see it, and to stop sending. */
const lingerMs = 3_000;
const tooSlow = 'HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n';

/** More of it may come. What a test injects has no connection. */
const isOpen = ({ complete, destroyed, socket }: IncomingMessage): boolean =>
  !complete && !destroyed && socket instanceof Socket && !socket.destroyed;

export const createSlowBodies = ({ idleMs, smallMs }: Omit<BodyTiming, 'headersMs'>): SlowBodies => {
  const watched = new Map<IncomingMessage, Watched>();

  const look = (): void => {
    const nowMs = performance.now();
    for (const [request, state] of watched) {
      const { socket } = request;
      if (!isOpen(request)) {
        watched.delete(request);
        continue;
      }
      const ours = request.readableLength > 0;
      if (ours || socket.bytesRead > state.bytes) state.movedAtMs = nowMs;
      state.bytes = socket.bytesRead;
      if (nowMs - state.movedAtMs <= idleMs && nowMs <= state.endsAtMs) continue;
      watched.delete(request);
      socket.end(tooSlow);
      socket.destroySoon();
    }
  };
  // One timer for all: most bodies are here before it looks.
  const timer = setInterval(look, Math.min(idleMs, smallMs) / 3);
  timer.unref();

  const leave = (request: IncomingMessage): void => {
    const { socket } = request;
    request.pause();
    // Its parser would read on for as long as the request has room.
    socket.pause();
    socket.end();
    const timer = setTimeout(() => socket.destroy(), lingerMs);
    timer.unref();
    socket.once('close', () => clearTimeout(timer));
  };

  return {
    watch(request, kind) {
      if (!isOpen(request)) return;
      const nowMs = performance.now();
      const endsAtMs = kind === 'small' ? nowMs + smallMs : Infinity;
      watched.set(request, { bytes: request.socket.bytesRead, movedAtMs: nowMs, endsAtMs });
    },
    drop(request, maxBytes) {
      if (!isOpen(request)) return;
      const { socket } = request;
      const endsAt = socket.bytesRead + maxBytes;
      // Looked at instead of listened to: a listener for the socket's data takes the socket from Node's own parser.
      const looking = setInterval(() => {
        if (socket.bytesRead > endsAt) {
          clearInterval(looking);
          watched.delete(request);
          leave(request);
        } else if (!isOpen(request)) clearInterval(looking);
      }, droppedLookMs);
      looking.unref();
      request.unpipe();
      request.resume();
      const nowMs = performance.now();
      watched.set(request, { bytes: socket.bytesRead, movedAtMs: nowMs, endsAtMs: nowMs + smallMs });
    },
    close: () => clearInterval(timer),
  };
};

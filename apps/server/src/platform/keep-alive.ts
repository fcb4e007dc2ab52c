// Notices a socket whose other end is gone: pings, and ends what has not answered for too long. Back-pressure is no
// silence: an end that we do not read is not blamed for it, and one that reads slowly lives as long as it reads.

import type { WebSocket } from 'ws';

import type { Cancel, Clock } from './clock.js';

export interface HeartbeatTiming {
  heartbeatMs: number;
  deadMs: number;
}

export interface KeepAliveOptions {
  /** Bytes that were given to the socket so far; without it nothing is known of how they go out. */
  sentBytes?(): number;
  /** With each beat while we do not read the other end, which may wait for an answer to something. */
  onHeld?(): void;
  /** It counts as gone and is ended. */
  onDead?(): void;
}

export interface Life {
  /** When the other end was last heard, on the monotonic clock. */
  heardAtMs(): number;
}

/** Frames' own bytes and pings blur the count of what went out. */
const progressBytes = 1024;

/** Ends by itself with the socket. Any message counts as a sign of life. */
export const keepAlive = (
  socket: WebSocket,
  clock: Clock,
  { heartbeatMs, deadMs }: HeartbeatTiming,
  { sentBytes, onHeld, onDead }: KeepAliveOptions = {},
): Life => {
  let heardAtMs = clock.monotonicMs();
  /** When nothing waited to go out, or some of what waited did. */
  let movedAtMs = heardAtMs;
  let wentOut = 0;
  let waited = false;
  let cancel: Cancel = () => {};
  const heard = (): void => {
    heardAtMs = clock.monotonicMs();
  };
  /**
   * What goes out while nothing waits goes to the system's buffer and proves nothing. What waited before went because
   * the other end has read.
   */
  const lookAtOutput = (nowMs: number): void => {
    const waits = socket.bufferedAmount > 0;
    const out = sentBytes === undefined ? 0 : sentBytes() - socket.bufferedAmount;
    const moved = waited && out > wentOut + progressBytes;
    if (moved) heardAtMs = nowMs;
    if (moved || !waits || sentBytes === undefined) movedAtMs = nowMs;
    wentOut = out;
    waited = waits;
  };
  let pingAtMs = heardAtMs + heartbeatMs;
  const beat = (): void => {
    // A word may come at any time between two pings, so the end of patience is looked at when it comes.
    const nextMs = Math.min(pingAtMs, Math.min(heardAtMs, movedAtMs) + deadMs + 1);
    cancel = clock.after(Math.max(1, nextMs - clock.monotonicMs()), () => {
      const nowMs = clock.monotonicMs();
      lookAtOutput(nowMs);
      if (socket.isPaused) heardAtMs = nowMs;
      if (nowMs - heardAtMs > deadMs || nowMs - movedAtMs > deadMs) {
        onDead?.();
        socket.terminate();
        return;
      }
      if (nowMs >= pingAtMs) {
        pingAtMs = nowMs + heartbeatMs;
        if (socket.isPaused) onHeld?.();
        if (socket.readyState === socket.OPEN) socket.ping();
      }
      beat();
    });
  };
  socket.on('message', heard);
  socket.on('pong', heard);
  socket.on('ping', heard);
  socket.once('close', () => cancel());
  beat();
  return { heardAtMs: () => heardAtMs };
};

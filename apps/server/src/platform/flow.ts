// Whether a socket is read: not while anyone holds it. What is not read waits at its other end, which is the point.

import type { WebSocket } from 'ws';

import type { Clock } from './clock.js';
import { createPace, type PaceLimits } from './pace.js';

export interface Flow {
  /** The same reason twice is once. */
  hold(reason: string): void;
  release(reason: string): void;
}

export const createFlow = (socket: Pick<WebSocket, 'pause' | 'resume' | 'readyState' | 'OPEN'>): Flow => {
  const reasons = new Set<string>();
  return {
    hold(reason) {
      reasons.add(reason);
      if (socket.readyState === socket.OPEN) socket.pause();
    },
    release(reason) {
      if (reasons.delete(reason) && reasons.size === 0) socket.resume();
    },
  };
};

export interface Brake {
  /** Counts what came, and holds the socket while it is more than may come. False: no honest end says so much. */
  spend(messages: number, bytes: number): boolean;
}

export interface BrakeLimits {
  messages: PaceLimits;
  bytes: PaceLimits;
  /** What a socket that is held may still bring is one read of it; so many messages in that are no accident. */
  maxDebt: number;
}

/** Not released for less: a timer for each message would cost more than the message. */
const minHoldMs = 20;

/** A socket that closes needs no end of its brake. */
export const createBrake = (flow: Flow, clock: Clock, limits: BrakeLimits): Brake => {
  const messages = createPace(clock, limits.messages);
  const bytes = createPace(clock, limits.bytes);
  let isHeld = false;
  let waitMs = 0;

  const release = (): void => {
    isHeld = false;
    flow.release('pace');
  };
  const wait = (): void => {
    const now = Math.max(minHoldMs, waitMs);
    waitMs = 0;
    clock.after(now, () => {
      waitMs = Math.max(messages.spend(0), bytes.spend(0));
      if (waitMs > 0) wait();
      else release();
    });
  };
  return {
    spend(count, size) {
      waitMs = Math.max(messages.spend(count), bytes.spend(size));
      if (waitMs > 0 && !isHeld) {
        isHeld = true;
        flow.hold('pace');
        wait();
      }
      return messages.debt() <= limits.maxDebt;
    },
  };
};

// How much one viewer may send: a bucket of tokens that fills with time. It knows no message.

import type { Clock } from '../../platform/clock.js';

export interface Pace {
  /** Whether this much may pass now; what may not counts for nothing. */
  take(amount: number): boolean;
}

export const createPace = (clock: Clock, { perSecond, burst }: { perSecond: number; burst: number }): Pace => {
  let tokens = burst;
  let filledAtMs = clock.monotonicMs();
  return {
    take(amount) {
      const nowMs = clock.monotonicMs();
      tokens = Math.min(burst, tokens + ((nowMs - filledAtMs) / 1000) * perSecond);
      filledAtMs = nowMs;
      if (tokens < amount) return false;
      tokens -= amount;
      return true;
    },
  };
};

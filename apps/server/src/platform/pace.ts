// How much may come: a bucket of tokens that fills with time. It knows no message.

import type { Clock } from './clock.js';

export interface PaceLimits {
  perSecond: number;
  burst: number;
}

export interface Pace {
  /** Whether this much may pass now; what may not counts for nothing. */
  take(amount: number): boolean;
  /** Counts what has passed already. Says how long to wait until there is something left: 0 while there is. */
  spend(amount: number): number;
  /** How much more has passed than might. */
  debt(): number;
}

export const createPace = (clock: Clock, { perSecond, burst }: PaceLimits): Pace => {
  let tokens = burst;
  let filledAtMs = clock.monotonicMs();
  const fill = (): void => {
    const nowMs = clock.monotonicMs();
    tokens = Math.min(burst, tokens + ((nowMs - filledAtMs) / 1000) * perSecond);
    filledAtMs = nowMs;
  };
  return {
    take(amount) {
      fill();
      if (tokens < amount) return false;
      tokens -= amount;
      return true;
    },
    spend(amount) {
      fill();
      tokens -= amount;
      return tokens > 0 ? 0 : (-tokens / perSecond) * 1000;
    },
    debt: () => Math.max(0, -tokens),
  };
};

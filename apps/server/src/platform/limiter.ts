// How often something may be tried in a while, by key; counted for all servers where they share a Redis. It knows no key's
// meaning.

import { AppError } from '@remote-claude/contract';
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';

export interface Limiter {
  /** Counts one; throws `rate_limited` with `retryAfterMs` past the limit. */
  take(key: string): Promise<void>;
  /** What was taken was none of what is limited. */
  giveBack(key: string): Promise<void>;
  clear(key: string): Promise<void>;
}

export interface Limit {
  /** Apart from all other limits. */
  name: string;
  times: number;
  windowMs: number;
}

/** What counts for several servers; each counts for itself while it is away. */
export interface SharedCounters {
  client: unknown;
  prefix: string;
}

const inWords = (ms: number): string => {
  const seconds = Math.ceil(ms / 1000);
  return seconds <= 120 ? `${seconds} seconds` : `${Math.ceil(seconds / 60)} minutes`;
};

export const createLimiter = ({ name, times, windowMs }: Limit, shared: SharedCounters | null = null): Limiter => {
  const limits = { points: times, duration: Math.max(1, Math.round(windowMs / 1000)) };
  const own = new RateLimiterMemory(limits);
  const counter =
    shared === null
      ? own
      : new RateLimiterRedis({
          ...limits,
          storeClient: shared.client,
          keyPrefix: `${shared.prefix}:${name}`,
          rejectIfRedisNotReady: true,
          insuranceLimiter: own,
        });
  return {
    async take(key) {
      try {
        await counter.consume(key);
      } catch (thrown) {
        if (!(thrown instanceof RateLimiterRes)) throw thrown;
        const retryAfterMs = thrown.msBeforeNext;
        throw new AppError('rate_limited', {
          message: `Too many attempts. Try again in ${inWords(retryAfterMs)}.`,
          retryAfterMs,
        });
      }
    },
    async giveBack(key) {
      await counter.reward(key);
    },
    async clear(key) {
      await counter.delete(key);
    },
  };
};

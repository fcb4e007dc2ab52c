// Limits on guessing: per address, and per account from one address; counted for all servers where they share a Redis.
// It knows no password.

import { AppError } from '@remote-claude/contract';
import { addressKey } from '../../platform/http/index.js';
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';

export interface Attempts {
  /** Counts an attempt; throws `rate_limited` with `retryAfterMs` past the limit. */
  count(ip: string, account: string): Promise<void>;
  /** A success clears the account's count from that address. */
  clear(ip: string, account: string): Promise<void>;
}

export interface AttemptLimits {
  perAddress: number;
  perAccount: number;
  windowMs: number;
}

/** What counts for several servers; each counts for itself while it is away. */
export interface SharedCounters {
  client: unknown;
  prefix: string;
}

export const createAttempts = (limits: AttemptLimits, shared: SharedCounters | null = null): Attempts => {
  const duration = Math.max(1, Math.round(limits.windowMs / 1000));
  const limiter = (name: string, points: number): RateLimiterMemory | RateLimiterRedis => {
    const own = new RateLimiterMemory({ points, duration });
    if (shared === null) return own;
    return new RateLimiterRedis({
      storeClient: shared.client,
      keyPrefix: `${shared.prefix}:${name}`,
      points,
      duration,
      rejectIfRedisNotReady: true,
      insuranceLimiter: own,
    });
  };
  const byAddress = limiter('address', limits.perAddress);
  // Keyed by both, so that a stranger cannot lock a person out from elsewhere.
  const byAccount = limiter('account', limits.perAccount);
  const key = (ip: string, account: string): string => `${addressKey(ip)}\n${account}`;
  return {
    async count(ip, account) {
      try {
        await byAddress.consume(addressKey(ip));
        await byAccount.consume(key(ip, account));
      } catch (thrown) {
        if (!(thrown instanceof RateLimiterRes)) throw thrown;
        const retryAfterMs = thrown.msBeforeNext;
        throw new AppError('rate_limited', {
          message: `Too many attempts. Try again in ${Math.ceil(retryAfterMs / 1000)} seconds.`,
          retryAfterMs,
        });
      }
    },
    async clear(ip, account) {
      await byAccount.delete(key(ip, account));
    },
  };
};

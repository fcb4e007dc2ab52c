// Limits on guessing: per address, and per account from one address. It knows no password.

import { AppError } from '@remote-claude/contract';
import { addressKey } from '../../platform/http/index.js';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';

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

export const createAttempts = (limits: AttemptLimits): Attempts => {
  const duration = Math.max(1, Math.round(limits.windowMs / 1000));
  const byAddress = new RateLimiterMemory({ points: limits.perAddress, duration });
  // Keyed by both, so that a stranger cannot lock a person out from elsewhere.
  const byAccount = new RateLimiterMemory({ points: limits.perAccount, duration });
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

// Limits on guessing: per address, and per account from one address. It knows no password.

import { addressKey } from '../../platform/http/index.js';
import { createLimiter, type SharedCounters } from '../../platform/limiter.js';

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

export const createAttempts = (limits: AttemptLimits, shared: SharedCounters | null = null): Attempts => {
  const { windowMs } = limits;
  const byAddress = createLimiter({ name: 'address', times: limits.perAddress, windowMs }, shared);
  // Keyed by both, so that a stranger cannot lock a person out from elsewhere.
  const byAccount = createLimiter({ name: 'account', times: limits.perAccount, windowMs }, shared);
  const key = (ip: string, account: string): string => `${addressKey(ip)}\n${account}`;
  return {
    async count(ip, account) {
      await byAddress.take(addressKey(ip));
      await byAccount.take(key(ip, account));
    },
    clear: (ip, account) => byAccount.clear(key(ip, account)),
  };
};

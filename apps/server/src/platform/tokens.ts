// Opaque tokens: made at random, kept only as a hash. It knows no user, lifetime or store.

import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** 256 random bits as 43 characters that are safe in headers, cookies and file names. */
export function createToken(): string {
  return randomBytes(32).toString('base64url');
}

/**
 * What a store keeps in place of a token. A plain SHA-256 suffices because a token has 256 random bits;
 * it is not for passwords.
 */
export function hashToken(token: string): Buffer {
  return createHash('sha256').update(token, 'utf8').digest();
}

/** Compares in a time that says nothing about the contents; hashing first hides the lengths too. */
export function equalInConstantTime(left: string, right: string): boolean {
  return timingSafeEqual(hashToken(left), hashToken(right));
}

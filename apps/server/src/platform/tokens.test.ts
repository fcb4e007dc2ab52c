import { expect, test } from 'vitest';
import { createToken, equalInConstantTime, hashToken } from './tokens.js';

test('tokens are url-safe, long and never the same', () => {
  const tokens = new Set(Array.from({ length: 1000 }, createToken));
  expect(tokens.size).toBe(1000);
  for (const token of tokens) expect(token).toMatch(/^[\w-]{43}$/);
});

test('a hash has 32 bytes, is stable and differs per token', () => {
  expect(hashToken('a')).toHaveLength(32);
  expect(hashToken('a')).toEqual(hashToken('a'));
  expect(hashToken('a')).not.toEqual(hashToken('b'));
});

test('comparison holds for equal strings only, whatever their lengths', () => {
  expect(equalInConstantTime('secret', 'secret')).toBe(true);
  expect(equalInConstantTime('secret', 'secreT')).toBe(false);
  expect(equalInConstantTime('secret', 'secret longer')).toBe(false);
  expect(equalInConstantTime('', 'x')).toBe(false);
});

// Who may read the metrics: each way to ask, with and without a token of the site.

import { expect, it } from 'vitest';

import { createTrust } from '../http/client-address.js';
import { createMetricsAccess } from './access.js';

const token = 'a-token-of-a-site';
const asked = (remoteAddress: string, headers: Record<string, string> = {}) => ({
  headers: { host: '127.0.0.1:4000', ...headers },
  socket: { remoteAddress } as never,
});
const withToken = { authorization: `Bearer ${token}` };

it.each([
  ['this machine', asked('127.0.0.1'), 'allowed', 'allowed'],
  ['this machine by IPv6', asked('::1', { host: '[::1]:4000' }), 'allowed', 'allowed'],
  ['this machine, mapped', asked('::ffff:127.0.0.1', { host: 'localhost' }), 'allowed', 'allowed'],
  ['a page whose name leads here', asked('127.0.0.1', { host: 'evil.example:4000' }), 'unknown', 'unauthenticated'],
  ['a proxy here that says so', asked('127.0.0.1', { 'x-forwarded-for': '10.0.0.9' }), 'unknown', 'unauthenticated'],
  ['a proxy here by another word', asked('127.0.0.1', { forwarded: 'for=10.0.0.9' }), 'unknown', 'unauthenticated'],
  ['a proxy here by a third word', asked('127.0.0.1', { via: '1.1 edge' }), 'unknown', 'unauthenticated'],
  ['a trusted proxy that says nothing', asked('127.0.0.9'), 'unknown', 'unauthenticated'],
  ['another machine', asked('10.0.0.7'), 'unknown', 'unauthenticated'],
  ['an address that only looks like it', asked('127.0.0.1.evil'), 'unknown', 'unauthenticated'],
  ['another machine with the token', asked('10.0.0.7', withToken), 'unknown', 'allowed'],
  ['a proxy with the token', asked('127.0.0.9', { ...withToken, 'x-forwarded-for': '10.1.1.1' }), 'unknown', 'allowed'],
  ['a wrong token', asked('10.0.0.7', { authorization: `Bearer ${token}x` }), 'unknown', 'unauthenticated'],
  ['a wrong token from here', asked('127.0.0.1', { authorization: 'Bearer x' }), 'allowed', 'unauthenticated'],
  ['the token as a password', asked('10.0.0.7', { authorization: `Basic ${token}` }), 'unknown', 'unauthenticated'],
])('%s', (_name, request, without, having) => {
  const isTrusted = createTrust(['127.0.0.9', '10.0.0.0/30']);
  expect(createMetricsAccess({ token: null, isTrusted })(request)).toBe(without);
  expect(createMetricsAccess({ token, isTrusted })(request)).toBe(having);
});

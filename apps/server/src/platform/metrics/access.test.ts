// Who may read the metrics: each way to ask, with and without a token of the site.

import { expect, it } from 'vitest';

import { createMetricsAccess, isPublicSite } from './access.js';

const token = 'a-token-of-a-site';
const asked = (remoteAddress: string, headers: Record<string, string> = {}) => ({
  headers: { host: '127.0.0.1:4000', ...headers } as Record<string, string>,
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
  ['another machine', asked('10.0.0.7'), 'unknown', 'unauthenticated'],
  ['an address that only looks like it', asked('127.0.0.1.evil'), 'unknown', 'unauthenticated'],
  ['another machine with the token', asked('10.0.0.7', withToken), 'unknown', 'allowed'],
  ['a proxy with the token', asked('127.0.0.9', { ...withToken, 'x-forwarded-for': '10.1.1.1' }), 'unknown', 'allowed'],
  ['a wrong token', asked('10.0.0.7', { authorization: `Bearer ${token}x` }), 'unknown', 'unauthenticated'],
  ['a wrong token from here', asked('127.0.0.1', { authorization: 'Bearer x' }), 'allowed', 'unauthenticated'],
  ['the token as a password', asked('10.0.0.7', { authorization: `Basic ${token}` }), 'unknown', 'unauthenticated'],
])('%s', (_name, request, without, having) => {
  expect(createMetricsAccess({ token: null, isPublic: false })(request)).toBe(without);
  expect(createMetricsAccess({ token, isPublic: false })(request)).toBe(having);
  // Where people come from elsewhere, nobody is believed to be from here.
  const mayNot = createMetricsAccess({ token: null, isPublic: true })(request);
  expect(mayNot).toBe('unknown');
  const isKnown = request.headers.authorization === withToken.authorization;
  expect(createMetricsAccess({ token, isPublic: true })(request)).toBe(isKnown ? 'allowed' : 'unauthenticated');
});

it.each<[string | null, string[], boolean]>([
  [null, [], false],
  ['http://localhost:3000', [], false],
  ['http://127.0.0.1:3000/claude', [], false],
  ['http://[::1]:3000', [], false],
  ['https://claude.example.org', [], true],
  ['https://localhost.example.org', [], true],
  ['http://10.0.0.7:3000', [], true],
  ['http://localhost:3000', ['127.0.0.1'], true],
])('a site at %s behind %j is for others: %s', (publicUrl, proxies, expected) => {
  expect(isPublicSite(publicUrl, proxies)).toBe(expected);
});

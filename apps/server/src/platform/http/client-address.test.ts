import { expect, test } from 'vitest';

import { createAddressOf, createTrust } from './client-address.js';

const from = (trusted: readonly string[], peer: string | undefined, forwarded?: string | string[]): string =>
  createAddressOf(createTrust(trusted))({
    socket: { remoteAddress: peer },
    headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded },
  } as never);

test('where nobody is trusted, the peer is who it is', () => {
  expect(from([], '198.51.100.1', '203.0.113.7')).toBe('198.51.100.1');
  expect(from(['10.0.0.0/8'], '198.51.100.1', '10.0.0.1')).toBe('198.51.100.1');
  expect(from([], undefined)).toBe('');
});

test('a trusted proxy is believed, and one behind it, up to the first that is not trusted', () => {
  expect(from(['10.0.0.0/8'], '10.0.0.1', '203.0.113.7')).toBe('203.0.113.7');
  expect(from(['10.0.0.0/8'], '::ffff:10.0.0.1', '203.0.113.7')).toBe('203.0.113.7');
  expect(from(['10.0.0.0/8'], '10.0.0.1', '192.0.2.1, 203.0.113.7, 10.9.9.9')).toBe('203.0.113.7');
  expect(from(['10.0.0.0/8'], '10.0.0.1', '10.0.0.3,10.0.0.2')).toBe('10.0.0.3');
  expect(from(['fd00::/8', '::1'], '::1', '2001:db8::7, fd00::2')).toBe('2001:db8::7');
});

test('what is no address is nobody', () => {
  expect(from(['10.0.0.0/8'], '10.0.0.1')).toBe('10.0.0.1');
  for (const said of ['unknown', '', ' , ', '203.0.113.7\0', '<script>', '203.0.113.7, nobody'])
    expect(from(['10.0.0.0/8'], '10.0.0.1', said)).toBe('10.0.0.1');
});

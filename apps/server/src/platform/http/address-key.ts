// Whom an address belongs to, as far as limits can tell. It knows no limit.

import { isIPv6 } from 'node:net';

/** One subscriber has a whole /64 of IPv6 and may use another address for each try; an IPv4 address stands for itself. */
export const addressKey = (ip: string): string => {
  const plain = ip.toLowerCase().split('%')[0] ?? '';
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(plain)?.[1];
  if (mapped !== undefined) return mapped;
  if (!isIPv6(plain)) return plain;
  const [head = '', tail] = plain.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const groups = tail === undefined ? before : [...before, ...zeros(8 - before.length - after.length), ...after];
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`;
};

const zeros = (count: number): string[] => Array.from({ length: Math.max(0, count) }, () => '0');

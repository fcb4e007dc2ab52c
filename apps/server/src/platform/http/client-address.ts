// Where a request comes from, with proxies in between. It knows no route: HTTP and upgrades ask the same function.

import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';

/** Whether the word of who is at this address is taken. */
export type Trust = (address: string) => boolean;
export type AddressOf = (request: Pick<IncomingMessage, 'headers' | 'socket'>) => string;

/** An IPv4 address looks the same however the listener was bound. */
const plainAddress = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/i, '');

const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 6 ? 'ipv6' : 'ipv4');

export const createTrust = (trustedProxies: readonly string[]): Trust => {
  const list = new BlockList();
  for (const proxy of trustedProxies) {
    const [address = '', bits] = proxy.split('/');
    if (bits === undefined) list.addAddress(address, familyOf(address));
    else list.addSubnet(address, Number(bits), familyOf(address));
  }
  return (said) => {
    const address = plainAddress(said);
    return isIP(address) !== 0 && list.check(address, familyOf(address));
  };
};

/**
 * X-Forwarded-For is believed as far as its writers are trusted: from the peer backwards, up to the first that is not.
 * What is no address ends it there, and so the last proxy stands for whoever it did not name.
 */
export const createAddressOf =
  (isTrusted: Trust): AddressOf =>
  ({ headers, socket }) => {
    let address = plainAddress(socket.remoteAddress ?? '');
    const forwarded = [headers['x-forwarded-for'] ?? []].flat().join(',').split(',').reverse();
    for (const before of forwarded.map((part) => plainAddress(part.trim()))) {
      if (!isTrusted(address) || isIP(before) === 0) break;
      address = before;
    }
    return address;
  };

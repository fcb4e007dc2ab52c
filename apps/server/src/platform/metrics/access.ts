// Who may read the metrics: whoever is on this machine and comes without a proxy, and whoever has the token. It knows no number.

import type { IncomingMessage } from 'node:http';

import { equalInConstantTime } from '../tokens.js';

type Asked = Pick<IncomingMessage, 'headers' | 'socket'>;

export interface MetricsAccessDeps {
  /** null: nobody has one. */
  token: string | null;
  /** Whether a reverse proxy of the site is at this address. */
  isTrusted(address: string): boolean;
}

/** `unknown`: there is nothing to be had from there, with whatever token; `unauthenticated`: the token is missing or wrong. */
export type MetricsAccess = (request: Asked) => 'allowed' | 'unauthenticated' | 'unknown';

const isLoopback = (address: string): boolean => /^(::ffff:)?127(\.\d{1,3}){3}$|^::1$/i.test(address);
/** Whoever came by a proxy is not who connected. */
const proxyHeaders = ['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-real-ip'];
/** A page that rebinds its name to this machine comes under that name. */
const ownHosts = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/i;

export const createMetricsAccess = ({ token, isTrusted }: MetricsAccessDeps): MetricsAccess => {
  const isNear = ({ headers, socket: { remoteAddress = '' } }: Asked): boolean =>
    isLoopback(remoteAddress) &&
    !isTrusted(remoteAddress) &&
    !proxyHeaders.some((name) => name in headers) &&
    ownHosts.test(headers.host ?? '');

  return (request) => {
    const { authorization } = request.headers;
    if (authorization === undefined && isNear(request)) return 'allowed';
    if (token === null) return isNear(request) ? 'allowed' : 'unknown';
    const given = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1] ?? '';
    return equalInConstantTime(given, token) ? 'allowed' : 'unauthenticated';
  };
};

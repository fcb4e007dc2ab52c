// Who may read the metrics: whoever has the token; and where the site is for this machine alone, whoever is on it and comes without
// a proxy. It knows no number.

import type { IncomingMessage } from 'node:http';

import { equalInConstantTime } from '../tokens.js';

type Asked = Pick<IncomingMessage, 'headers' | 'socket'>;

export interface MetricsAccessDeps {
  /** null: nobody has one. */
  token: string | null;
  /**
   * Whether people come from elsewhere. A proxy on this machine may then pass on what it likes and say nothing of it, so who
   * connects from here may be anybody.
   */
  isPublic: boolean;
}

/** `unknown`: there is nothing to be had from there, with whatever token; `unauthenticated`: the token is missing or wrong. */
export type MetricsAccess = (request: Asked) => 'allowed' | 'unauthenticated' | 'unknown';

const isLoopback = (address: string): boolean => /^(::ffff:)?127(\.\d{1,3}){3}$|^::1$/i.test(address);
/** Whoever came by a proxy is not who connected. */
const proxyHeaders = ['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-real-ip'];
/** A page that rebinds its name to this machine comes under that name. */
const ownHosts = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/i;

export const hasToken = ({ headers }: Pick<Asked, 'headers'>, token: string): boolean =>
  equalInConstantTime(/^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1] ?? '', token);

/** By what the configuration says of it: an address that people open elsewhere, or a proxy before it. */
export const isPublicSite = (publicUrl: string | null, trustedProxies: readonly string[]): boolean =>
  trustedProxies.length > 0 || (publicUrl !== null && !ownHosts.test(new URL(publicUrl).host));

export const createMetricsAccess = ({ token, isPublic }: MetricsAccessDeps): MetricsAccess => {
  const isNear = ({ headers, socket: { remoteAddress = '' } }: Asked): boolean =>
    !isPublic &&
    isLoopback(remoteAddress) &&
    !proxyHeaders.some((name) => name in headers) &&
    ownHosts.test(headers.host ?? '');

  return (request) => {
    const { authorization } = request.headers;
    if (authorization === undefined && isNear(request)) return 'allowed';
    if (token === null) return isNear(request) ? 'allowed' : 'unknown';
    return hasToken(request, token) ? 'allowed' : 'unauthenticated';
  };
};

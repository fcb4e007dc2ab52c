// The login cookie: its name and attributes. It knows no login.

import type { FastifyReply } from 'fastify';

import type { Origins } from '../../platform/http/index.js';

const secureName = '__Host-rc_login';
// A browser refuses __Host- without https, which one machine on loopback does not have.
const plainName = 'rc_login';

const isSecure = (origins: Origins, host: string | undefined): boolean => origins.checkHost(host).protocol === 'https:';

export const readLoginCookie = (
  origins: Origins,
  headers: Readonly<Record<string, string | string[] | undefined>>,
): string | null => {
  const { host, cookie } = headers;
  if (typeof cookie !== 'string' || typeof host !== 'string') return null;
  const name = isSecure(origins, host) ? secureName : plainName;
  for (const pair of cookie.split(';')) {
    const [key = '', value = ''] = pair.trim().split('=', 2);
    if (key === name && value !== '') return value;
  }
  return null;
};

/** null removes it. */
export const setLoginCookie = (
  reply: FastifyReply,
  origins: Origins,
  login: { token: string; expiresAt: Date } | null,
): void => {
  const secure = isSecure(origins, reply.request.headers.host);
  const name = secure ? secureName : plainName;
  const attributes = { path: '/', httpOnly: true, secure, sameSite: 'strict' as const };
  if (login === null) reply.clearCookie(name, attributes);
  else reply.setCookie(name, login.token, { ...attributes, expires: login.expiresAt });
};

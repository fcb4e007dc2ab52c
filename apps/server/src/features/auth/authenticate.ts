// Who sends a request: by bearer token, or else by cookie. A rotated cookie is renewed in the answer.

import { AppError } from '@remote-claude/contract';

import type { Access, Origins } from '../../platform/http/index.js';
import { readLoginCookie, setLoginCookie } from './cookies.js';
import type { Auth } from './service.js';

/** A wrong token is an error, an old cookie just nobody: a page then asks to sign in. */
export const createAuthenticate =
  (auth: Auth, origins: Origins): Access['authenticate'] =>
  async (request) => {
    const { authorization } = request.headers;
    if (typeof authorization === 'string') {
      const token = /^Bearer ([\w-]{20,200})$/.exec(authorization)?.[1];
      const found = token === undefined ? null : await auth.resolve(token, { mayRotate: false });
      if (found === null || found.actor.kind !== 'token') {
        throw new AppError('unauthenticated', { message: 'This token is not valid, or no longer.' });
      }
      return found.actor;
    }
    const cookie = readLoginCookie(origins, request.headers);
    if (cookie === null) return null;
    // A socket has no answer that could carry the new cookie.
    const found = await auth.resolve(cookie, { mayRotate: request.reply !== undefined });
    if (found === null || found.actor.kind !== 'cookie') return null;
    if (found.renewed !== null && request.reply !== undefined) setLoginCookie(request.reply, origins, found.renewed);
    return found.actor;
  };

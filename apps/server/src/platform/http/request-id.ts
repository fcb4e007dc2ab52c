// One id for a request at all who have a part in it: proxy, web, api, gateway. It knows no log.

import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

import type { Trust } from './client-address.js';

const plainId = /^[\w-]{8,64}$/;

/** The id that this text is; null where it is none. */
export const plainIdOf = (said: unknown): string | null =>
  typeof said === 'string' && plainId.test(said) ? said : null;

/** What a trusted proxy calls it, and else a new one. */
export const requestIdOf = (
  { headers, socket }: Pick<IncomingMessage, 'headers' | 'socket'>,
  isTrusted: Trust,
): string => (isTrusted(socket.remoteAddress ?? '') ? plainIdOf(headers['x-request-id']) : null) ?? randomUUID();

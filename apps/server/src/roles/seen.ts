// As whom this process sees who asks: for an operator who wants to know whether the proxies between say it truly.

import type { Seen } from '@remote-claude/contract';
import type { IncomingMessage } from 'node:http';

import type { AddressOf, Trust } from '../platform/http/index.js';
import { hasToken } from '../platform/metrics/index.js';

export interface SeenDeps {
  /** That of the metrics; null: nobody is told. */
  token: string | null;
  addressOf: AddressOf;
  isTrusted: Trust;
}

export const createSeen =
  ({ token, addressOf, isTrusted }: SeenDeps) =>
  (request: IncomingMessage): Seen | null => {
    if (token === null || !hasToken(request, token)) return null;
    const { headers, socket } = request;
    const peer = socket.remoteAddress ?? '';
    return {
      address: addressOf(request),
      peer,
      scheme: [headers['x-forwarded-proto'] ?? []].flat()[0] ?? null,
      isHeeded: isTrusted(peer),
      isNamed: headers['x-forwarded-for'] !== undefined,
    };
  };

// Headers of a request and its answer as they go on to the next hop: those of one hop end here, all others pass as they came,
// in their order and number. It knows no address and no connection.

import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';

/** Names and values in turn, as Node has them raw. */
export type RawHeaders = string[];

const ofOneHop: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  // Answered by this hop already.
  'expect',
]);
/** Set by this hop, whatever came. */
const ofThisHop: ReadonlySet<string> = new Set(['x-forwarded-for', 'x-forwarded-proto', 'x-request-id']);
/** A sender may not name these as its own hop's: addresses, framing and origins hang on them. */
const never: ReadonlySet<string> = new Set(['host', 'content-length', 'origin', 'cookie', 'authorization']);

const namedIn = (connection: string | undefined): ReadonlySet<string> =>
  new Set(
    (connection ?? '')
      .split(',')
      .map((name) => name.trim().toLowerCase())
      .filter((name) => !never.has(name)),
  );

const passed = ({ rawHeaders, headers }: IncomingMessage, dropped: ReadonlySet<string>): RawHeaders => {
  const named = namedIn(headers.connection);
  const kept: RawHeaders = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const [name = '', value = ''] = rawHeaders.slice(at, at + 2);
    const known = name.toLowerCase();
    if (!ofOneHop.has(known) && !dropped.has(known) && !named.has(known)) kept.push(name, value);
  }
  return kept;
};

export interface Hop {
  requestId: string;
  /** Whether what the peer says of those before it is taken. */
  isTrusted: boolean;
}

const isChunked = ({ headers }: IncomingMessage): boolean => headers['transfer-encoding'] !== undefined;

/** Whether a body comes with it. */
export const hasBody = (request: IncomingMessage): boolean =>
  isChunked(request) || Number(request.headers['content-length'] ?? 0) > 0;

/** Said here, since Node would else take a method's usual body for one that is there. */
const framing = (request: IncomingMessage): RawHeaders => {
  if (isChunked(request)) return ['Transfer-Encoding', 'chunked'];
  const { method = '', headers } = request;
  const isUsual = method === 'POST' || method === 'PUT' || method === 'PATCH';
  return isUsual && headers['content-length'] === undefined ? ['Content-Length', '0'] : [];
};

/** A request's headers for the next hop, which is told where it came from and under which id. */
export const requestHeaders = (request: IncomingMessage, { requestId, isTrusted }: Hop): RawHeaders => {
  const { headers, socket } = request;
  const from = [headers['x-forwarded-for'] ?? [], socket.remoteAddress ?? 'unknown'].flat().join(', ');
  const own = (socket as Partial<TLSSocket>).encrypted === true ? 'https' : 'http';
  const said = isTrusted ? [headers['x-forwarded-proto'] ?? []].flat()[0] : undefined;
  return [
    ...passed(request, ofThisHop),
    ...['X-Forwarded-For', from, 'X-Forwarded-Proto', said ?? own, 'X-Request-Id', requestId],
    ...framing(request),
  ];
};

const nothing: ReadonlySet<string> = new Set();

export const answerHeaders = (answer: IncomingMessage): RawHeaders => passed(answer, nothing);

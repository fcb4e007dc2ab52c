// One request after another sent on to another process of this site, its answer handed back as it comes: nothing is kept of
// either, so both may be of any size and take any time. It does not know which addresses are sent on.

import { AppError } from '@remote-claude/contract';
import { Agent as HttpAgent, request as httpRequest, type ClientRequest } from 'node:http';
import type { IncomingMessage, RequestOptions, ServerResponse } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { pipeline } from 'node:stream';

import { answerHeaders, hasBody, requestHeaders, type Hop } from './headers.js';

export interface TargetDeps {
  /** `http://host:port` or `https://host:port`. */
  url: string;
  /** How long a connection may take to be made. */
  connectMs: number;
  /** What it is, for sentences: `the api`. */
  name: string;
}

/** Where requests go on to. */
export interface Target {
  /** Begins a request; one that cannot be connected in time ends with an error. */
  begin(options: Pick<RequestOptions, 'method' | 'path' | 'headers'>, connection: 'kept' | 'new'): Begun;
  /** What to say to who asked, where no answer came. */
  away(isConnected: boolean, cause: unknown): AppError;
  close(): void;
}

export interface Begun {
  outgoing: ClientRequest;
  /** From then on it may have been heard. */
  isConnected(): boolean;
}

/** A path or a header that our reader of HTTP takes and our writer does not. */
const sendable = (begin: () => ClientRequest): ClientRequest => {
  try {
    return begin();
  } catch {
    throw new AppError('bad_request', { message: 'This request cannot be sent on as it is.' });
  }
};

/** The other end keeps an idle connection for longer, so none is closed just as it is used. */
const keptIdleMs = 15_000;
const probeAfterMs = 15_000;
const retryAfterMs = 1_000;

export const createTarget = ({ url, connectMs, name }: TargetDeps): Target => {
  const base = new URL(url);
  const isSecure = base.protocol === 'https:';
  const newAgent = (): HttpAgent => {
    const options = { keepAlive: true, maxSockets: Infinity, timeout: keptIdleMs };
    return isSecure ? new HttpsAgent(options) : new HttpAgent(options);
  };
  // Said to be kept, so that who answers before it has read everything goes on reading, and closed when it is over.
  const agents = { kept: newAgent(), new: Object.assign(newAgent(), { keepSocketAlive: () => false }) };

  return {
    begin(wanted, connection) {
      const outgoing = sendable(() =>
        (isSecure ? httpsRequest : httpRequest)(base, { ...wanted, agent: agents[connection] }),
      );
      let connected = false;
      outgoing.once('socket', (socket) => {
        // A machine that vanished is noticed while an answer is waited for, which may take long.
        socket.setKeepAlive(true, probeAfterMs);
        if (!socket.connecting) {
          connected = true;
          return;
        }
        const timer = setTimeout(
          () => socket.destroy(new Error(`${name} could not be connected to within ${connectMs} ms`)),
          connectMs,
        );
        socket.once(isSecure ? 'secureConnect' : 'connect', () => {
          connected = true;
          clearTimeout(timer);
        });
        socket.once('close', () => clearTimeout(timer));
      });
      return { outgoing, isConnected: () => connected };
    },
    away: (isConnected, cause) =>
      isConnected
        ? new AppError(
            'upstream_failed',
            {
              message: `The connection to ${name} broke before its answer came. It may have been done; look, or send it again under the same Idempotency-Key.`,
              retryAfterMs,
            },
            { cause },
          )
        : new AppError(
            'unavailable',
            { message: `This server cannot reach ${name}. Nothing was done; try again shortly.`, retryAfterMs },
            { cause },
          ),
    close() {
      agents.kept.destroy();
      agents.new.destroy();
    },
  };
};

const safe: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Sends it on and resolves when the answer begins. Throws `unavailable` where it was not heard for certain and
 * `upstream_failed` where it may have been.
 */
export const ask = (
  target: Target,
  request: IncomingMessage,
  response: ServerResponse,
  hop: Hop,
): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const withBody = hasBody(request);
    // Only what can be sent twice goes over a connection that its other end may be closing at this moment.
    const isRepeatable = !withBody && safe.has(request.method ?? '');
    const headers = requestHeaders(request, hop);
    const attempt = (connection: 'kept' | 'new'): void => {
      const { outgoing, isConnected } = target.begin(
        { method: request.method, path: request.url, headers },
        connection,
      );
      let answer: IncomingMessage | null = null;
      // Who hangs up, or has the answer while a body that nobody wants is still coming, wants no more of it.
      const leave = (): void => {
        if (answer?.complete !== true || !outgoing.writableFinished) outgoing.destroy();
      };
      response.once('close', leave);
      response.once('finish', leave);
      outgoing.once('response', (begun) => {
        answer = begun;
        resolve(begun);
      });
      outgoing.on('error', (cause) => {
        // What comes after the answer began is the answer's own end.
        if (answer !== null) return;
        response.off('close', leave);
        response.off('finish', leave);
        if (response.destroyed) reject(new AppError('client_closed', {}, { cause }));
        else if (connection === 'kept' && outgoing.reusedSocket) attempt('new');
        else reject(target.away(isConnected(), cause));
      });
      if (response.destroyed) return void outgoing.destroy(new Error('the caller has gone'));
      if (withBody) request.pipe(outgoing);
      else outgoing.end();
    };
    attempt(isRepeatable ? 'kept' : 'new');
  });

/** Hands an answer back as it comes. Half of one looks like half of one to who asked, too. */
export const give = (answer: IncomingMessage, response: ServerResponse): void => {
  if (response.destroyed) return void answer.destroy();
  response.writeHead(answer.statusCode ?? 502, answerHeaders(answer));
  // The head goes out before the first byte, so that waiting is seen as waiting.
  response.flushHeaders();
  pipeline(answer, response, () => {});
};

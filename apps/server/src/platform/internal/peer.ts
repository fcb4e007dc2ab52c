// Another role of this site, as this process reaches it: its internal port, by mutual TLS. It knows no question.

import { AppError, errorOf } from '@remote-claude/contract';
import type { ClientRequest } from 'node:http';
import { Agent, request as httpsRequest, type RequestOptions } from 'node:https';
import { text } from 'node:stream/consumers';
import type { ConnectionOptions } from 'node:tls';
import type { z } from 'zod';

import type { LogContext } from '../log-context.js';
import { nameOfRole, type Credentials } from './certificates.js';
import { keptIdleMs } from './port.js';

export interface PeerDeps {
  role: string;
  /** `https://host:port` of its internal port. */
  url: string;
  credentials: Credentials;
  /** Whether the credentials are this site's own, which name roles; else they name hosts. */
  named: boolean;
  /** How long a connection may take. */
  timeoutMs: number;
  /** On whose behalf it is asked: the peer's log calls it by the same id. */
  logContext?: LogContext;
}

export interface Peer {
  readonly url: string;
  readonly tls: ConnectionOptions;
  /** Of the request that this is done for; none where it is done for nobody. */
  marks(): Record<string, string>;
  /** Begins a request; one that cannot be connected in time ends with an error. */
  begin(options: Pick<RequestOptions, 'method' | 'path' | 'headers' | 'signal'>): ClientRequest;
  /** A question and its answer as JSON. Throws the peer's own error, or `unavailable` where it does not answer. */
  ask<T>(
    question: { method: string; path: string; body?: unknown; withinMs?: number },
    schema: z.ZodType<T>,
  ): Promise<T>;
  close(): void;
}

const answerMs = 10_000;

export const createPeer = ({ role, url, credentials, named, timeoutMs, logContext }: PeerDeps): Peer => {
  const { certificate, key, ca } = credentials;
  const tls: ConnectionOptions = {
    cert: certificate,
    key,
    ca,
    minVersion: 'TLSv1.3',
    ...(named && { servername: nameOfRole(role) }),
  };
  const agent = new Agent({ keepAlive: true, maxSockets: Infinity, timeout: keptIdleMs });
  const base = new URL(url);

  const marks = (): Record<string, string> => {
    const { requestId } = logContext?.fields() ?? {};
    return requestId === undefined ? {} : { 'x-request-id': requestId };
  };
  const begin: Peer['begin'] = (options) => {
    const headers = { ...(options.headers as Record<string, string>), ...marks() };
    const outgoing = httpsRequest(base, { ...options, headers, ...tls, agent });
    outgoing.once('socket', (socket) => {
      if (!socket.connecting) return;
      const timer = setTimeout(
        () => socket.destroy(new Error(`the ${role} could not be connected to within ${timeoutMs} ms`)),
        timeoutMs,
      );
      socket.once('secureConnect', () => clearTimeout(timer));
      socket.once('close', () => clearTimeout(timer));
    });
    return outgoing;
  };

  return {
    url,
    tls,
    marks,
    begin,
    async ask({ method, path, body, withinMs = answerMs }, schema) {
      const { status, said } = await new Promise<{ status: number; said: string }>((resolve, reject) => {
        const away = (cause: unknown): void =>
          reject(
            new AppError('unavailable', { message: `The ${role} does not answer. Try again shortly.` }, { cause }),
          );
        const outgoing = begin({
          method,
          path,
          signal: AbortSignal.timeout(withinMs),
          headers: body === undefined ? {} : { 'content-type': 'application/json' },
        });
        outgoing.once('response', (answer) => {
          text(answer).then((whole) => resolve({ status: answer.statusCode ?? 502, said: whole }), away);
        });
        outgoing.on('error', away);
        outgoing.end(body === undefined ? undefined : JSON.stringify(body));
      });
      if (status >= 400) throw errorOf(status, said);
      try {
        return schema.parse(JSON.parse(said === '' ? 'null' : said));
      } catch (cause) {
        throw new AppError('upstream_failed', {}, { cause });
      }
    },
    close: () => agent.destroy(),
  };
};

// The internal port of a process: where roles of this site in other processes ask it, by mutual TLS and nothing else. It
// knows who is of this site; it does not know what is asked.

import { AppError, type ErrorCode } from '@remote-claude/contract';
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { Duplex } from 'node:stream';

import { errorAnswer, plainIdOf, wordsFor } from '../http/index.js';
import type { Log } from '../log.js';
import type { LogContext } from '../log-context.js';
import type { Credentials } from './certificates.js';

/** What is asked below one word of the address; `path` is what comes after it, with its query. */
export interface InternalService {
  request(path: string, request: IncomingMessage, response: ServerResponse): Promise<void>;
  upgrade?(path: string, request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void>;
}

export interface InternalPortDeps {
  host: string;
  port: number;
  credentials: Credentials;
  /** By the first word of the address. */
  services: Readonly<Record<string, InternalService>>;
  log: Log;
  /** What is written on behalf of a request says so: who asks is of this site, and its word for the request's id is taken. */
  logContext?: LogContext;
  onRefused?: (code: ErrorCode) => void;
}

/** Stands in an answer that is the port's own refusal, and not that of somebody behind it. */
export const refusalHeader = 'remote-claude-refusal';
const maxConnections = 20_000;
/** For how long a caller keeps a connection that nothing passes; the port waits longer, so none is closed as it is used. */
export const keptIdleMs = 15_000;

export const openInternalPort = async (deps: InternalPortDeps) => {
  const { host, port, credentials, services, log } = deps;
  const { certificate, key, ca } = credentials;
  const server = createServer({
    cert: certificate,
    key,
    ca,
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.3',
    // A file that is saved may take as long as it takes.
    requestTimeout: 0,
  });
  server.maxConnections = maxConnections;
  server.keepAliveTimeout = 8 * keptIdleMs;
  /** Those of sockets too, which the HTTP server forgets when they are upgraded. */
  const connections = new Set<Duplex>();
  server.on('secureConnection', (socket) => {
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
  });
  server.on('tlsClientError', (error) =>
    log.info({ why: error.message }, 'a stranger at the internal port was refused'),
  );
  server.on('clientError', (_error, socket) => socket.destroy());

  const find = (url: string): { service: InternalService; path: string } => {
    const [, name = '', path = ''] = /^\/([a-z-]+)(\/?.*)$/.exec(url) ?? [];
    const service = Object.hasOwn(services, name) ? services[name] : undefined;
    if (service === undefined) throw new AppError('not_found');
    return { service, path };
  };

  /** The part of it that is done here, under the id of the whole. */
  const speaking = (request: IncomingMessage, work: (requestId: string) => void): void => {
    const requestId = plainIdOf(request.headers['x-request-id']) ?? randomUUID();
    const written = (): void => {
      log.debug({ url: (request.url ?? '').split('?')[0], method: request.method }, 'asked by another role');
      work(requestId);
    };
    if (deps.logContext === undefined) work(requestId);
    else deps.logContext.run({ requestId }, written);
  };

  server.on('request', (request, response) => {
    request.on('error', () => {});
    response.on('error', () => {});
    const serve = async (): Promise<void> => {
      const { service, path } = find(request.url ?? '');
      await service.request(path, request, response);
    };
    const refuse = (thrown: unknown, requestId: string): void => {
      // Half an answer must not look like a whole one.
      if (response.headersSent) return void response.destroy();
      const { status, body } = errorAnswer(thrown, requestId, log);
      deps.onRefused?.(body.error.code);
      response.writeHead(status, { 'content-type': 'application/json', [refusalHeader]: '1' });
      response.end(JSON.stringify(body));
    };
    speaking(request, (requestId) => void serve().catch((thrown: unknown) => refuse(thrown, requestId)));
  });
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => {});
    const serve = async (): Promise<void> => {
      const { service, path } = find(request.url ?? '');
      if (service.upgrade === undefined) throw new AppError('not_found');
      await service.upgrade(path, request, socket, head);
    };
    const refuse = (thrown: unknown, requestId: string): void => {
      const { status, body } = errorAnswer(thrown, requestId, log);
      deps.onRefused?.(body.error.code);
      const text = JSON.stringify(body);
      socket.once('finish', () => socket.destroy());
      socket.end(
        `HTTP/1.1 ${status} Refused\r\nconnection: close\r\n${refusalHeader}: 1\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
      );
    };
    speaking(request, (requestId) => void serve().catch((thrown: unknown) => refuse(thrown, requestId)));
  });

  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) =>
      reject(wordsFor(cause, { host, port, hostKey: 'server.internal.host', portKey: 'server.internal.port' })),
    );
    server.listen({ host, port }, resolve);
  });
  const address = server.address();
  const shownHost = host.includes(':') ? `[${host}]` : host;
  return {
    url: `https://${shownHost}:${typeof address === 'object' && address !== null ? address.port : port}`,
    async close(): Promise<void> {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of connections) socket.destroy();
      await closed;
    },
  };
};

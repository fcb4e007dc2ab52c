/**
 * The agent's one HTTP server: who lacks the session's secret gets nothing but the health check.
 * It routes to the parts and does not know what they do.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { chmod, rm, stat } from 'node:fs/promises';
import { createServer, STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http';
import { dirname } from 'node:path';
import type { Duplex } from 'node:stream';

import { agentPaths, AppError, errorTable, maxFrameBytes, type ErrorCode } from '@remote-claude/contract';
import { WebSocketServer, type WebSocket } from 'ws';

import type { Address } from './config.js';
import type { HttpPart, Log } from './parts.js';

export interface AgentServer {
  /** The port where it listens on TCP; null on a unix socket. */
  readonly port: number | null;
  /** Refuses new connections and ends the open ones. */
  close(): Promise<void>;
}

export interface AgentServerDeps {
  listen: Address;
  secret: string;
  http: readonly HttpPart[];
  sockets: Readonly<Record<string, (socket: WebSocket, url: URL) => void>>;
  /** A fork without its files: nobody sees or changes anything, and only what brings them is served. */
  isClosed?(): boolean;
  log: Log;
}

const servedWhileClosed: ReadonlySet<string> = new Set([
  agentPaths.control,
  agentPaths.forkImport,
  agentPaths.forkState,
]);

const closedSentence = 'The files of this session are still being copied. Try again when it has started.';
const headersTimeoutMs = 15_000;
const keepAliveTimeoutMs = 75_000;

export const createAgentServer = async (deps: AgentServerDeps): Promise<AgentServer> => {
  const { listen, sockets, isClosed = () => false, log } = deps;
  const mayEnter = secretCheck(deps.secret);
  const isServed = (path: string): boolean => servedWhileClosed.has(path) || !isClosed();
  // A part answers a frame that is too large in its own words; this ceiling only guards memory.
  const upgrader = new WebSocketServer({
    noServer: true,
    maxPayload: 2 * maxFrameBytes,
    clientTracking: false,
    perMessageDeflate: false,
  });
  // An upload may take hours, so a request as a whole has no time limit; its headers do.
  const server = createServer({
    requestTimeout: 0,
    headersTimeout: headersTimeoutMs,
    keepAliveTimeout: keepAliveTimeoutMs,
  });

  server.on('request', (request, response) => void answer(request, response));
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    const url = urlOf(request);
    const accept = sockets[url?.pathname ?? ''];
    if (!mayEnter(request)) return refuseUpgrade(socket, 401);
    if (accept === undefined || url === null) return refuseUpgrade(socket, 404);
    if (!isServed(url.pathname)) return refuseUpgrade(socket, 503);
    upgrader.handleUpgrade(request, socket, head, (opened) => accept(opened, url));
  });

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    try {
      const url = new URL(request.url ?? '/', 'http://agent');
      if (url.pathname === agentPaths.health && request.method === 'GET')
        return void response.writeHead(200).end('ok\n');
      if (!mayEnter(request)) return sendError(response, new AppError('unauthenticated'));
      if (!isServed(url.pathname)) return sendError(response, new AppError('unavailable', { message: closedSentence }));
      for (const part of deps.http) {
        if (await part.handle(request, response, url)) return;
      }
      sendError(response, new AppError('not_found'));
    } catch (cause) {
      if (!(cause instanceof AppError))
        log('error', 'A request failed.', { method: request.method, cause: String(cause) });
      sendError(response, cause instanceof AppError ? cause : new AppError('internal'));
    }
  };

  if (listen.kind === 'unix') await rm(listen.path, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(listen.kind === 'unix' ? { path: listen.path } : { port: listen.port, host: listen.host }, resolve);
  });
  if (listen.kind === 'unix') await chmod(listen.path, await socketMode(listen.path));
  const address = server.address();

  return {
    port: typeof address === 'object' && address !== null ? address.port : null,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};

/**
 * In a folder of our own the socket is ours alone. One that was made for us by another user is guarded by its parent, which
 * only that user enters, and the gateway there may be anybody.
 */
const socketMode = async (path: string): Promise<number> =>
  (await stat(dirname(path))).uid === process.getuid?.() ? 0o600 : 0o666;

/** Both sides are hashed first, so that neither content nor length shows in the time it takes. */
const secretCheck = (secret: string): ((request: IncomingMessage) => boolean) => {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  const wanted = digest(`Bearer ${secret}`);
  return (request) => timingSafeEqual(digest(request.headers.authorization ?? ''), wanted);
};

const urlOf = ({ url = '/' }: IncomingMessage): URL | null =>
  URL.canParse(url, 'http://agent') ? new URL(url, 'http://agent') : null;

const refuseUpgrade = (socket: Duplex, status: number): void => {
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
};

/** Answers with an error of the table, or cuts the connection where an answer has begun. */
const sendError = (response: ServerResponse, error: AppError): void => {
  if (response.headersSent) return void response.destroy();
  const code: ErrorCode = error.code;
  response.writeHead(errorTable[code].status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ error: error.toPayload() }));
};

// The one `upgrade` listener: checks Host, Origin, sign-in and permission, then hands a socket to its owner.
// It knows no message.

import {
  AppError,
  isSessionPermission,
  maxFrameBytes,
  sessionSockets,
  socketProtocol,
  ticketProtocolPrefix,
  type ErrorCode,
  type SessionId,
  type SessionSocketName,
} from '@remote-claude/contract';
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';

import type { Log } from '../log.js';
import type { LogContext } from '../log-context.js';
import type { AddressOf, Trust } from './client-address.js';
import { rawAnswer, toAppError } from './errors.js';
import { checkSameOrigin, type Origins } from './origins.js';
import { requestIdOf } from './request-id.js';
import type { Access, Actor } from './types.js';

export interface SocketContext {
  name: SessionSocketName;
  sessionId: SessionId;
  actor: Actor;
  permissions: ReadonlySet<string>;
  ip: string;
  /** Of its handshake. */
  requestId: string;
}

export interface UpgradeDeps {
  server: Server;
  access: Access;
  origins: Origins;
  addressOf: AddressOf;
  isTrusted: Trust;
  log: Log;
  /** What is written on behalf of a socket says so. */
  logContext: LogContext;
  basePath: string;
  /** The actor of a one-time ticket for this session; null where it is wrong, used or late. */
  redeemTicket(ticket: string, sessionId: SessionId): Promise<Actor | null>;
  onSocket(socket: WebSocket, context: SocketContext): void;
  /** Upgrades below this path are someone else's (Socket.IO). */
  foreignPath: string;
  onRefused?: (code: ErrorCode) => void;
}

const uuid = '[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}';

/** Installs the listener; `close` ends it, gives sockets that were sent away so long to go, and terminates the rest. */
export const acceptUpgrades = (deps: UpgradeDeps): { close(graceMs: number): Promise<void> } => {
  const wss = new WebSocketServer({
    noServer: true,
    maxPayload: maxFrameBytes,
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has(socketProtocol) ? socketProtocol : false),
  });
  const prefix = deps.basePath === '/' ? '' : deps.basePath;
  const addresses = Object.entries(sessionSockets).map(([name, { path }]) => ({
    name: name as SessionSocketName,
    pattern: new RegExp(`^${prefix}/api${path.replace(':id', `(${uuid})`)}$`),
  }));

  /** Of handshakes under way, for their answers. */
  const ids = new WeakMap<IncomingMessage, string>();
  wss.on('headers', (headers, request) => void headers.push(`X-Request-Id: ${ids.get(request) ?? ''}`));

  const open = async (request: IncomingMessage, requestId: string): Promise<SocketContext> => {
    const path = (request.url ?? '').split('?')[0] ?? '';
    deps.origins.checkHost(request.headers.host);
    const ticket = offeredProtocols(request).find((offer) => offer.startsWith(ticketProtocolPrefix));
    // A ticket was fetched by an authenticated program, so it stands in for the Origin that only browsers send.
    if (request.headers.origin !== undefined || ticket === undefined) checkUpgradeOrigin(deps.origins, request);
    const target = addresses
      .map(({ name, pattern }) => ({ name, id: pattern.exec(path)?.[1] }))
      .find(({ id }) => id !== undefined);
    if (target?.id === undefined) throw new AppError('not_found');
    const sessionId = target.id.toLowerCase() as SessionId;
    const actor =
      ticket === undefined
        ? await deps.access.authenticate({ headers: request.headers })
        : await deps.redeemTicket(ticket.slice(ticketProtocolPrefix.length), sessionId);
    if (actor === null) throw new AppError('unauthenticated');
    const { permission } = sessionSockets[target.name];
    if (!isSessionPermission(permission)) throw new AppError('internal');
    await deps.access.authorize(actor, permission, sessionId);
    const permissions = await deps.access.sessionPermissions(actor, sessionId);
    return { name: target.name, sessionId, actor, permissions, ip: deps.addressOf(request), requestId };
  };

  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    // First of all: a socket without a listener for its errors ends the process when its client resets it.
    socket.on('error', () => {});
    if ((request.url ?? '').startsWith(`${deps.foreignPath}/`)) return;
    const requestId = requestIdOf(request, deps.isTrusted);
    ids.set(request, requestId);
    void deps.logContext.run({ requestId }, () =>
      open(request, requestId).then(
        (context) => {
          const { sessionId, name: kind, actor } = context;
          deps.logContext.run({ requestId, sessionId }, () => {
            deps.log.info({ socket: kind, userId: actor.userId }, 'socket');
            wss.handleUpgrade(request, socket, head, (ws) => deps.onSocket(ws, context));
          });
        },
        (thrown: unknown) => {
          const { code } = toAppError(thrown);
          deps.onRefused?.(code);
          deps.log.info({ code }, 'socket refused');
          refuse(socket, rawAnswer(thrown, requestId, deps.log));
        },
      ),
    );
  };
  deps.server.on('upgrade', onUpgrade);
  return {
    async close(graceMs) {
      deps.server.off('upgrade', onUpgrade);
      const gone = new Promise<void>((resolve) => wss.close(() => resolve()));
      const force = setTimeout(() => {
        for (const client of wss.clients) client.terminate();
      }, graceMs);
      await gone;
      clearTimeout(force);
    },
  };
};

/** Browsers send Origin with every upgrade; what lacks one must bring a bearer token. */
const checkUpgradeOrigin = (origins: Origins, request: IncomingMessage): void => {
  const { 'sec-fetch-site': _site, ...headers } = request.headers;
  checkSameOrigin(origins, headers);
};

const offeredProtocols = (request: IncomingMessage): string[] =>
  (request.headers['sec-websocket-protocol'] ?? '').split(',').map((offer) => offer.trim());

const refuse = (socket: Duplex, answer: string): void => {
  // What is only ended stays half open for as long as the client likes.
  socket.once('finish', () => socket.destroy());
  socket.end(answer);
};

// `agents/<session>` of the gateway's internal port: api and session-manager in other processes reach an agent through it.
// It puts the agent's secret in, and does not know what is said.

import { AppError } from '@remote-claude/contract';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import { refusalHeader, type InternalService } from '../../platform/internal/index.js';
import type { AgentRequest } from './agent-door.js';
import type { LocalDoor } from './door.js';

/** How long the agent may think, as the caller says. */
export const thinkHeader = 'remote-claude-think-ms';
const longestThinkMs = 24 * 3_600_000;

const uuid = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';
const address = new RegExp(`^/(${uuid})(/.*)$`);

/** Headers of one hop, and those that stand between roles: an agent is told of none. */
const notPassed = new Set([
  'host',
  'connection',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'authorization',
  'x-request-id',
  thinkHeader,
  refusalHeader,
]);
const passed = (headers: IncomingHttpHeaders): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]): [string, string][] =>
      value === undefined || notPassed.has(name) ? [] : [[name, Array.isArray(value) ? value.join(', ') : value]],
    ),
  );

const parse = (path: string): { sessionId: string; rest: string } => {
  const [, sessionId, rest] = address.exec(path) ?? [];
  if (sessionId === undefined || rest === undefined) throw new AppError('not_found');
  return { sessionId, rest };
};

const requestOf = (path: string, request: IncomingMessage, signal: AbortSignal): AgentRequest => {
  const { headers } = request;
  const hasBody = headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
  const thinkMs = Number(headers[thinkHeader]);
  return {
    method: request.method ?? 'GET',
    path,
    headers: passed(headers),
    ...(hasBody && { body: request }),
    ...(thinkMs > 0 && thinkMs <= longestThinkMs && { thinkMs }),
    signal,
  };
};

export const createAgentGate = (door: LocalDoor): InternalService => ({
  async request(path, request, response) {
    const { sessionId, rest } = parse(path);
    const gone = new AbortController();
    response.once('close', () => {
      if (!response.writableFinished) gone.abort();
    });
    const answer = await door.request(sessionId, requestOf(rest, request, gone.signal));
    response.writeHead(answer.status, passed(answer.headers));
    response.flushHeaders();
    await pipeline(answer.body, response);
  },

  /** The agent itself answers the handshake; from then on bytes pass as they come, and either end's close is the other's. */
  async upgrade(path, request, socket: Duplex, head) {
    const { sessionId, rest } = parse(path);
    const { socket: agent, authorization } = await door.reach(sessionId);
    agent.on('error', () => {});
    agent.once('close', () => socket.destroy());
    socket.once('close', () => agent.destroy());
    if (socket.destroyed) return void agent.destroy();
    const kept = Object.entries(request.headers).filter(([name]) => name.startsWith('sec-websocket-'));
    const lines = [
      `GET ${rest} HTTP/1.1`,
      'host: agent',
      'connection: Upgrade',
      'upgrade: websocket',
      `authorization: ${authorization}`,
      ...kept.map(([name, value]) => `${name}: ${String(value)}`),
    ];
    agent.write(`${lines.join('\r\n')}\r\n\r\n`);
    if (head.length > 0) agent.write(head);
    socket.pipe(agent);
    agent.pipe(socket);
  },
});

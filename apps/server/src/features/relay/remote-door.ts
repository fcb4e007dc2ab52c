// The door to the agents, where the gateway is another process: through `agents/<session>` of its internal port. It knows no
// address and no secret of an agent.

import { AppError, errorOf, maxFrameBytes } from '@remote-claude/contract';
import type { IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';

import { refusalHeader, type Peer } from '../../platform/internal/index.js';
import { textOfAnswer } from './ask.js';
import type { AgentDoor } from './agent-door.js';
import { exchange, opened } from './exchange.js';
import { thinkHeader } from './gate.js';

export interface RemoteDoorDeps {
  gateway: Peer;
  /** How long a connection and a handshake may take, at each of the two hops. */
  timeoutMs: number;
}

const maxRefusalBytes = 64 * 1024;

export const createRemoteDoor = ({ gateway, timeoutMs }: RemoteDoorDeps): AgentDoor => ({
  connect(sessionId, path) {
    const ws = new WebSocket(`${gateway.url.replace(/^http/, 'ws')}/agents/${sessionId}${path}`, {
      ...gateway.tls,
      headers: gateway.marks(),
      handshakeTimeout: 2 * timeoutMs,
      maxPayload: maxFrameBytes,
      perMessageDeflate: false,
    });
    return Promise.race([opened(ws), refusalOf(ws)]);
  },

  async request(sessionId, { method, path, headers, body, signal, thinkMs = 60_000 }) {
    const answer = await exchange(
      () =>
        gateway.begin({
          method,
          path: `/agents/${sessionId}${path}`,
          headers: { ...headers, [thinkHeader]: String(thinkMs) },
          ...(signal && { signal }),
        }),
      { body, signal, patienceMs: thinkMs + 2 * timeoutMs },
    );
    if (answer.headers[refusalHeader] === undefined) return answer;
    throw errorOf(answer.status, await textOfAnswer(answer.body));
  },
});

/** Rejects with what the gateway or the agent says in place of opening; never resolves. */
const refusalOf = (ws: WebSocket): Promise<never> =>
  new Promise((_resolve, reject) => {
    ws.once('unexpected-response', (request, answer: IncomingMessage) => {
      let said = '';
      const refuse = (): void => {
        request.destroy();
        reject(
          answer.headers[refusalHeader] === undefined
            ? new AppError('place_unreachable', {}, { cause: new Error(`the agent answered ${answer.statusCode}`) })
            : errorOf(answer.statusCode ?? 502, said),
        );
      };
      answer.on('data', (part: Buffer) => {
        said += part.toString();
        if (said.length > maxRefusalBytes) refuse();
      });
      answer.once('end', refuse);
      answer.once('error', refuse);
    });
  });

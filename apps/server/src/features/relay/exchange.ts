// One request to an agent and its answer, and one socket that opens, whatever leads there. It knows neither addresses nor
// secrets.

import { AppError } from '@remote-claude/contract';
import type { ClientRequest } from 'node:http';
import type { WebSocket } from 'ws';

import type { AgentRequest, AgentResponse } from './agent-door.js';

export interface ExchangeOptions {
  body: AgentRequest['body'];
  signal: AbortSignal | undefined;
  /** From the end of the request to the head of the answer. */
  patienceMs: number;
}

/** Resolves with the head of the answer. `release` is called once, when the connection is not used any more. */
export const exchange = (
  begin: () => ClientRequest,
  { body, signal, patienceMs }: ExchangeOptions,
  release: () => void = () => {},
): Promise<AgentResponse> =>
  new Promise((resolve, reject) => {
    const outgoing = begin();
    outgoing.once('response', (answer) => {
      // An answer that breaks off ends its reader by `error`; nobody listening must not end the process.
      answer.on('error', () => {});
      answer.once('close', () => {
        // An answer that came before all of the body was wanted: the rest is not sent.
        if (!outgoing.writableFinished) outgoing.destroy();
        release();
      });
      resolve({ status: answer.statusCode ?? 502, headers: answer.headers, body: answer });
    });
    // An agent that takes a request and is silent holds nobody for ever.
    let timer: NodeJS.Timeout | undefined;
    outgoing.once('finish', () => {
      timer = setTimeout(() => outgoing.destroy(new Error('the agent does not answer')), patienceMs);
    });
    outgoing.once('response', () => clearTimeout(timer));
    outgoing.once('close', () => clearTimeout(timer));
    outgoing.on('error', (cause) => {
      release();
      reject(new AppError(signal?.aborted === true ? 'client_closed' : 'place_unreachable', {}, { cause }));
    });
    if (body === undefined || typeof body === 'string') {
      outgoing.end(body);
      return;
    }
    body.on('error', (cause) => outgoing.destroy(cause));
    // It may have gone while the connection was made.
    if (body.destroyed && !body.readableEnded) outgoing.destroy(new Error('the caller went away'));
    body.on('close', () => {
      if (!body.readableEnded) outgoing.destroy(new Error('the caller went away'));
    });
    body.pipe(outgoing);
  });

/** Resolves when it is open. What came right behind the handshake waits until the caller's turn of the event loop is over. */
export const opened = (ws: WebSocket): Promise<WebSocket> =>
  new Promise((resolve, reject) => {
    ws.once('open', () => {
      // Held back until whoever awaits the socket has put its listeners on.
      ws.pause();
      setImmediate(() => ws.resume());
      resolve(ws);
    });
    ws.on('error', (cause) => reject(new AppError('place_unreachable', {}, { cause })));
  });

/**
 * Where an answer goes, piece by piece: as a stream of server-sent events, or as one JSON body at the end.
 * It does not know scripts, pauses or gates. The response belongs to the sink from its first call on.
 */
import type { ServerResponse } from 'node:http';
import { errorBody, errorHeaders } from './errors.js';
import type { ApiError } from './errors.js';
import type { InputUsage } from './tokens.js';

export type Block =
  | { type: 'text'; text: string }
  | { type: 'thinking'; thinking: string; signature: string }
  | { type: 'tool_use'; id: string; name: string; input: Record<string, unknown> };

export type Delta =
  | { type: 'text_delta'; text: string }
  | { type: 'thinking_delta'; thinking: string }
  | { type: 'signature_delta'; signature: string }
  | { type: 'input_json_delta'; partial_json: string };

export interface MessageHead {
  readonly id: string;
  readonly model: string;
  readonly requestId: string;
  readonly usage: InputUsage;
}

export interface Sink {
  /** Sends headers and `message_start`, once; what follows calls it too. */
  begin(): void;
  openBlock(block: Block): void;
  /** Resolves when everything so far has left for the client. */
  flush(): Promise<void>;
  /** Resolves when the socket takes more. */
  delta(delta: Delta): Promise<void>;
  /** Closes the open block; `whole` is what its deltas add up to. */
  closeBlock(whole: Block): void;
  end(stopReason: string, outputTokens: number): void;
  fail(error: ApiError): void;
  /** Cuts the socket in the middle of the answer. */
  cut(): void;
}

const usageOf = (usage: InputUsage, outputTokens: number): object => ({
  ...usage,
  cache_creation: { ephemeral_5m_input_tokens: usage.cache_creation_input_tokens, ephemeral_1h_input_tokens: 0 },
  output_tokens: outputTokens,
  service_tier: 'standard',
});

const messageOf = (
  head: MessageHead,
  content: readonly Block[],
  stopReason: string | null,
  outputTokens: number,
): object => ({
  id: head.id,
  type: 'message',
  role: 'assistant',
  model: head.model,
  content,
  stop_reason: stopReason,
  stop_sequence: null,
  usage: usageOf(head.usage, outputTokens),
});

const jsonHeaders = (requestId: string): Record<string, string> => ({
  'content-type': 'application/json',
  'request-id': requestId,
});

/** Sends an error as the whole answer. */
export const sendError = (response: ServerResponse, error: ApiError, requestId: string): void => {
  response.writeHead(error.status, { ...jsonHeaders(requestId), ...errorHeaders(error) });
  response.end(JSON.stringify(errorBody(error, requestId)));
};

export const sendJson = (response: ServerResponse, body: object, requestId: string): void => {
  response.writeHead(200, jsonHeaders(requestId));
  response.end(JSON.stringify(body));
};

export const createStreamSink = (response: ServerResponse, head: MessageHead): Sink => {
  let begun = false;
  let index = 0;

  const send = (type: string, fields: object = {}): boolean =>
    response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`);

  const begin = (): void => {
    if (begun) return;
    begun = true;
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache',
      'request-id': head.requestId,
    });
    send('message_start', { message: messageOf(head, [], null, 1) });
  };

  return {
    begin,
    flush: () => (begun ? flushed(response) : Promise.resolve()),
    openBlock: (block) => {
      begin();
      send('content_block_start', { index, content_block: block });
      if (index === 0) send('ping');
    },
    delta: async (delta) => {
      if (!send('content_block_delta', { index, delta })) await untilDrained(response);
    },
    closeBlock: () => {
      send('content_block_stop', { index });
      index += 1;
    },
    end: (stopReason, outputTokens) => {
      begin();
      send('message_delta', {
        delta: { stop_reason: stopReason, stop_sequence: null },
        usage: usageOf(head.usage, outputTokens),
      });
      send('message_stop');
      response.end();
    },
    fail: (error) => {
      if (!begun) return sendError(response, error, head.requestId);
      send('error', { error: { type: error.type, message: error.message }, request_id: head.requestId });
      response.end();
    },
    cut: () => {
      begin();
      cutAfterFlush(response);
    },
  };
};

export const createJsonSink = (response: ServerResponse, head: MessageHead): Sink => {
  const content: Block[] = [];
  return {
    begin: () => undefined,
    flush: () => Promise.resolve(),
    openBlock: () => undefined,
    delta: () => Promise.resolve(),
    closeBlock: (whole) => void content.push(whole),
    end: (stopReason, outputTokens) =>
      sendJson(response, messageOf(head, content, stopReason, outputTokens), head.requestId),
    fail: (error) => sendError(response, error, head.requestId),
    cut: () => {
      const body = JSON.stringify(messageOf(head, content, 'end_turn', 1));
      response.writeHead(200, { ...jsonHeaders(head.requestId), 'content-length': String(Buffer.byteLength(body)) });
      response.write(body.slice(0, body.length / 2));
      cutAfterFlush(response);
    },
  };
};

/** What was written leaves first, so that the reader sees exactly the deltas that the script names. */
const cutAfterFlush = (response: ServerResponse): void => {
  void flushed(response).then(() => response.socket?.destroy());
};

const flushed = (response: ServerResponse): Promise<void> =>
  new Promise((resolve) => void response.write('', () => resolve()));

const untilDrained = (response: ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.on('drain', done);
    response.on('close', done);
    if (response.destroyed) done();
  });

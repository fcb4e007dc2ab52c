/**
 * From a request to its answer: address, key, body, the chosen steps, and the record of all that. What is answered
 * is chosen elsewhere. It does not know where the server listens.
 */
import { randomUUID, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Answering } from './answering.js';
import type { Conversation } from './conversation.js';
import { apiError } from './errors.js';
import type { ApiError } from './errors.js';
import type { Gates } from './gates.js';
import { messageId, toolUseId } from './identity.js';
import { play } from './play.js';
import { parseCountTokensRequest, parseMessagesRequest } from './protocol.js';
import type { MessagesRequest } from './protocol.js';
import type { RecordedRequest, Records } from './records.js';
import { createJsonSink, createStreamSink, sendError, sendJson } from './sink.js';
import { countInput, inputUsage } from './tokens.js';

export interface HandlerDeps {
  readonly answering: Answering;
  readonly gates: Gates;
  readonly records: Records;
  readonly apiKey: string | undefined;
  readonly log: (line: string) => void;
}

/** One request on its way, with its record. */
interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly record: RecordedRequest;
}

const maxBodyBytes = 32 * 1024 * 1024;

export const createHandler = (deps: HandlerDeps): RequestListener => {
  const { records, log } = deps;

  const refuse = ({ response, record }: Exchange, error: ApiError): void => {
    record.outcome = 'error';
    log(`${record.method} ${record.path} → ${error.status} ${error.message}`);
    sendError(response, error, record.requestId);
  };

  const unexpected = (exchange: Exchange, what: string): void => {
    records.addUnexpected(what);
    const message = `Unexpected call to the scripted model: ${what}`;
    refuse(exchange, apiError(500, { message, shouldRetry: false }));
    exchange.record.outcome = 'unexpected';
  };

  const answerMessages = async (asked: MessagesRequest, exchange: Exchange): Promise<void> => {
    const { response, record } = exchange;
    const { key, conversation, sideCall, attempt, answer } = deps.answering.choose(asked);
    Object.assign(record, { key, conversation, sideCall, attempt, rule: answer?.rule });
    if (answer === undefined) return unexpected(exchange, describe(conversation));
    const { rule, steps } = answer;
    log(`${record.method} ${record.path} → rule "${rule}", try ${attempt}`);
    const { requestId } = record;
    const head = { id: messageId(key, rule), model: asked.model, requestId, usage: inputUsage(asked) };
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    if (response.destroyed) gone.abort();
    record.outcome = await play(steps, {
      sink: asked.stream === true ? createStreamSink(response, head) : createJsonSink(response, head),
      gates: deps.gates,
      signal: gone.signal,
      maxTokens: asked.max_tokens,
      toolUseId: (index) => toolUseId(key, rule, index),
    });
  };

  const handle = async (exchange: Exchange): Promise<void> => {
    const { request, response, record } = exchange;
    const body = await readBody(request);
    if (body === undefined) return refuse(exchange, apiError(413));
    record.body = jsonOrText(body);
    // Claude Code asks by HEAD whether anyone is there.
    if (request.method === 'HEAD') {
      record.outcome = 'answered';
      return void response.writeHead(200, { 'request-id': record.requestId }).end();
    }
    const counts = record.path === '/v1/messages/count_tokens';
    if (!counts && record.path !== '/v1/messages') {
      records.addUnexpected(`${record.method} ${record.path}`);
      return refuse(exchange, apiError(404));
    }
    if (request.method !== 'POST') return refuse(exchange, apiError(405));
    if (!mayEnter(request, deps.apiKey)) return refuse(exchange, apiError(401));
    if (!counts) {
      const asked = parseMessagesRequest(body);
      return asked.ok
        ? answerMessages(asked.value, exchange)
        : refuse(exchange, apiError(400, { message: asked.problem }));
    }
    const asked = parseCountTokensRequest(body);
    if (!asked.ok) return refuse(exchange, apiError(400, { message: asked.problem }));
    record.outcome = 'answered';
    sendJson(response, { input_tokens: countInput(asked.value) }, record.requestId);
  };

  return (request, response) => {
    const { method = 'GET', headers } = request;
    const path = (request.url ?? '/').split('?')[0] ?? '/';
    const record = records.add({ method, path, headers, requestId: newRequestId() });
    const exchange = { request, response, record };
    handle(exchange).catch((cause: unknown) => {
      if (request.destroyed && !request.complete) return void (record.outcome = 'aborted');
      const what = cause instanceof Error ? cause.message : String(cause);
      if (!response.headersSent) return unexpected(exchange, what);
      records.addUnexpected(what);
      record.outcome = 'unexpected';
      response.destroy();
    });
  };
};

const newRequestId = (): string => `req_${randomUUID().replaceAll('-', '').slice(0, 24)}`;

const describe = (conversation: Conversation): string => {
  const results = conversation.newResults.map(
    ({ tool, isError, text }) => `${tool}${isError ? ' (error)' : ''}: ${shorten(text)}`,
  );
  const news = results.length > 0 ? `after ${results.join(' | ')}` : `the user says: ${shorten(conversation.userText)}`;
  return `model ${conversation.model}, turn ${conversation.userTurns}, ${news}`;
};

const shorten = (text: string): string => (text.length > 200 ? `${text.slice(0, 200)}…` : text);

const jsonOrText = (body: string): unknown => {
  try {
    return JSON.parse(body) as unknown;
  } catch {
    return body;
  }
};

const mayEnter = (request: IncomingMessage, apiKey: string | undefined): boolean => {
  if (apiKey === undefined) return true;
  const bearer = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1];
  const given = Buffer.from(String(request.headers['x-api-key'] ?? bearer ?? ''));
  const wanted = Buffer.from(apiKey);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
};

/** undefined when the body is too large; the rest of it is read and dropped, so that the answer arrives. */
const readBody = async (request: IncomingMessage): Promise<string | undefined> => {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= maxBodyBytes) chunks.push(chunk);
    else chunks.length = 0;
  }
  return bytes <= maxBodyBytes ? Buffer.concat(chunks).toString('utf8') : undefined;
};

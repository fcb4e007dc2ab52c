/**
 * The HTTP server: addresses, keys, bodies, records, and the life of each request. What is answered is decided
 * elsewhere. It holds no state beyond its own life and reaches no other server.
 */
import { randomUUID, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createAnswering } from './answering.js';
import { apiError } from './errors.js';
import type { ApiError } from './errors.js';
import { createGates } from './gates.js';
import type { Gates } from './gates.js';
import { messageId, toolUseId } from './identity.js';
import { listen } from './listen.js';
import { play } from './play.js';
import { parseCountTokensRequest, parseMessagesRequest } from './protocol.js';
import type { MessagesRequest } from './protocol.js';
import { createRecords } from './records.js';
import type { RecordedRequest } from './records.js';
import type { Script } from './script.js';
import { createJsonSink, createStreamSink, sendError, sendJson } from './sink.js';
import { countInput, inputUsage } from './tokens.js';

const maxBodyBytes = 32 * 1024 * 1024;

export interface ScriptedModelOptions {
  script: Script;
  /** 0, the default, takes a free one. */
  port?: number | undefined;
  host?: string | undefined;
  /** Listens on this unix socket instead of a port. */
  socketPath?: string | undefined;
  /** When set, a request with another key is answered with 401. */
  apiKey?: string | undefined;
  /** `answer`, the default: Claude Code's side calls are answered by built-in rules. `strict`: the script must. */
  sideCalls?: 'answer' | 'strict' | undefined;
  /** How many requests `requests()` keeps, the newest. */
  keepRequests?: number | undefined;
  log?: ((line: string) => void) | undefined;
}

export interface Control extends Omit<Gates, 'pass'> {
  /** Answers from now on by this script. */
  setScript(script: Script): void;
  /** Cuts every open connection, as a restart of the model's server would. */
  dropConnections(): void;
}

export interface ScriptedModel {
  readonly url: string;
  /** 0 on a unix socket. */
  readonly port: number;
  requests(): readonly RecordedRequest[];
  /** One line for each call that nothing answered. A test ends with `expect(model.unexpected()).toEqual([])`. */
  unexpected(): readonly string[];
  /** How many requests were repetitions of an earlier one. */
  retries(): number;
  readonly control: Control;
  close(): Promise<void>;
}

export const startScriptedModel = async (options: ScriptedModelOptions): Promise<ScriptedModel> => {
  const { log = () => undefined } = options;
  const answering = createAnswering(options.script, options.sideCalls ?? 'answer');
  const gates = createGates();
  const records = createRecords(options.keepRequests ?? 1_000);

  const refuse = (response: ServerResponse, record: RecordedRequest, error: ApiError): void => {
    record.outcome = 'error';
    log(`${record.method} ${record.path} → ${error.status} ${error.message}`);
    sendError(response, error, record.requestId);
  };

  const unexpected = (response: ServerResponse, record: RecordedRequest, what: string): void => {
    records.addUnexpected(what);
    refuse(response, record, apiError(500, { message: `Unexpected call to the scripted model: ${what}`, shouldRetry: false }));
    record.outcome = 'unexpected';
  };

  const answerMessages = async (request: MessagesRequest, response: ServerResponse, record: RecordedRequest): Promise<void> => {
    const { key, conversation, sideCall, attempt, answer } = answering.choose(request);
    Object.assign(record, { key, conversation, sideCall, attempt, rule: answer?.rule });
    if (answer === undefined) return unexpected(response, record, describe(record));
    log(`${record.method} ${record.path} → rule "${answer.rule}", try ${attempt}`);
    const head = {
      id: messageId(key, answer.rule),
      model: request.model,
      requestId: record.requestId,
      usage: inputUsage(request),
    };
    const sink = request.stream === true ? createStreamSink(response, head) : createJsonSink(response, head);
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    if (response.destroyed) gone.abort();
    record.outcome = await play(answer.steps, {
      sink,
      gates,
      signal: gone.signal,
      maxTokens: request.max_tokens,
      toolUseId: (index) => toolUseId(key, answer.rule, index),
    });
  };

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = (request.url ?? '/').split('?')[0] ?? '/';
    const record = records.add({ method: request.method ?? 'GET', path, headers: request.headers, requestId: requestId() });
    const body = await readBody(request);
    if (body === undefined) return refuse(response, record, apiError(413));
    record.body = jsonOrText(body);
    // Claude Code asks this address whether anyone is there.
    if (request.method === 'HEAD') {
      record.outcome = 'answered';
      return void response.writeHead(200, { 'request-id': record.requestId }).end();
    }
    if (path !== '/v1/messages' && path !== '/v1/messages/count_tokens') {
      records.addUnexpected(`${record.method} ${path}`);
      return refuse(response, record, apiError(404));
    }
    if (request.method !== 'POST') return refuse(response, record, apiError(405));
    if (!mayEnter(request, options.apiKey)) return refuse(response, record, apiError(401));
    const parsed = path === '/v1/messages' ? parseMessagesRequest(body) : parseCountTokensRequest(body);
    if (!parsed.ok) return refuse(response, record, apiError(400, { message: parsed.problem }));
    if (path === '/v1/messages') return answerMessages(parsed.value as MessagesRequest, response, record);
    record.outcome = 'answered';
    sendJson(response, { input_tokens: countInput(parsed.value) }, record.requestId);
  };

  const server = createServer((request, response) => {
    handle(request, response).catch((cause: unknown) => {
      const what = cause instanceof Error ? cause.message : String(cause);
      log(`a request failed: ${what}`);
      if (request.destroyed || response.headersSent) return void response.destroy();
      records.addUnexpected(what);
      sendError(response, apiError(500, { message: what, shouldRetry: false }), requestId());
    });
  });
  const { url, port } = await listen(server, options);
  log(`listening on ${url}`);

  return {
    url,
    port,
    requests: records.all,
    unexpected: records.unexpected,
    retries: answering.retries,
    control: {
      release: gates.release,
      hold: gates.hold,
      waiting: gates.waiting,
      untilWaiting: gates.untilWaiting,
      setScript: answering.setScript,
      dropConnections: () => server.closeAllConnections(),
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};

const requestId = (): string => `req_${randomUUID().replaceAll('-', '').slice(0, 24)}`;

const describe = ({ conversation, model }: RecordedRequest & { model?: string }): string => {
  if (conversation === undefined) return String(model);
  const results = conversation.newResults.map(({ tool, isError, text }) => `${tool}${isError ? ' (error)' : ''}: ${shorten(text)}`);
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

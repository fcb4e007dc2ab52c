/** Answers and bodies of the agent's own HTTP parts. It does not know routes. */
import type { IncomingMessage, ServerResponse } from 'node:http';

import { AppError } from '@remote-claude/contract';

import type { Log } from '../parts.js';
import { asAppError } from './failures.js';

const maxJsonBytes = 1024 * 1024;

export const sendJson = (response: ServerResponse, status: number, body: unknown): void => {
  const bytes = Buffer.from(JSON.stringify(body));
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': bytes.length }).end(bytes);
};

/** Answers with the error; where the answer has begun it can only be cut off. */
export const sendError = (response: ServerResponse, thrown: unknown, log: Log): void => {
  const known = asAppError(thrown);
  const error = known instanceof AppError ? known : new AppError('internal', {}, { cause: thrown });
  if (error.code === 'internal')
    log('error', 'a request failed', { error: thrown instanceof Error ? thrown.stack : String(thrown) });
  if (response.destroyed) return;
  if (response.headersSent) {
    response.destroy();
    return;
  }
  // What is left of the body is read and dropped: a caller that still sends would not see the answer otherwise.
  response.req.resume();
  sendJson(response, error.status, { error: error.toPayload() });
};

/** A request's body. Whoever stops in the middle can still answer. */
export const bodyOf = (request: IncomingMessage): AsyncIterable<Buffer> =>
  request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;

export const readJson = async (request: IncomingMessage): Promise<unknown> => {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of bodyOf(request)) {
    bytes += chunk.length;
    if (bytes > maxJsonBytes) throw new AppError('payload_too_large');
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch (error) {
    throw new AppError('bad_request', { message: 'The body is not JSON.' }, { cause: error });
  }
};

/** What came, as the schema says; else `validation_failed` with every problem. */
export const validated = <T>(schema: { safeParse(value: unknown): Parsed<T> }, value: unknown): T => {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issues = result.error.issues.map(({ path, message }) => ({ path: path.map(String).join('.'), message }));
  throw new AppError('validation_failed', { issues });
};

type Parsed<T> =
  | { success: true; data: T }
  | { success: false; error: { issues: readonly { path: readonly PropertyKey[]; message: string }[] } };

// One question to an agent and its answer as JSON, checked and bounded. It knows no address of an agent's.

import { AppError, errorOf } from '@remote-claude/contract';
import type { Readable } from 'node:stream';
import type { z } from 'zod';

import type { AgentDoor, AgentRequest } from './agent-door.js';

const maxAnswerBytes = 64 * 1024 * 1024;

/** The whole of an answer that is JSON. */
export const textOfAnswer = async (body: Readable): Promise<string> => {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxAnswerBytes)
      throw new AppError('upstream_failed', { message: 'The session answered more than can be shown.' });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
};

/** Throws the agent's own error, or `upstream_failed` for an answer that is none of its. */
export const askAgent = async <T>(
  door: AgentDoor,
  sessionId: string,
  request: AgentRequest,
  schema: z.ZodType<T>,
): Promise<T> => {
  const answer = await door.request(sessionId, request);
  const text = await textOfAnswer(answer.body);
  if (answer.status >= 400) throw errorOf(answer.status, text);
  try {
    return schema.parse(JSON.parse(text === '' ? '{}' : text));
  } catch (cause) {
    throw new AppError('upstream_failed', {}, { cause });
  }
};

export const postingJson = (path: string, body: unknown, signal?: AbortSignal): AgentRequest => ({
  method: 'POST',
  path,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
  ...(signal && { signal }),
});

// The body of a session's call, read whole where it must be judged before it goes on. It knows no model.

import type { IncomingMessage } from 'node:http';

/** More than the Messages API takes. */
const maxCallBytes = 40 * 1024 * 1024;

export type CallBody = { model: string | null; bytes: Buffer };

/**
 * The call's model, and the call written anew: what was judged is what is sent, also where a name stands in it twice.
 * `too_large` and `not_json` are the caller's mistakes; null when it went away.
 */
export const readCallBody = async (request: IncomingMessage): Promise<CallBody | 'too_large' | 'not_json' | null> => {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes <= maxCallBytes) chunks.push(chunk);
      else chunks.length = 0;
    }
  } catch {
    return null;
  }
  if (bytes > maxCallBytes) return 'too_large';
  try {
    const body = JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown;
    if (typeof body !== 'object' || body === null || Array.isArray(body)) return 'not_json';
    const { model } = body as { model?: unknown };
    return { model: typeof model === 'string' ? model : null, bytes: Buffer.from(JSON.stringify(body)) };
  } catch {
    return 'not_json';
  }
};

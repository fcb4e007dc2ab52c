// Reads the tokens out of a model's answer while it passes. It holds back nothing and changes nothing.

import { noTokens, type TokenUsage } from '@remote-claude/contract';

export interface Metered {
  model: string | null;
  usage: TokenUsage;
}

export interface Meter {
  /** Bytes of the answer's body, in order. */
  push(chunk: Buffer): void;
  /** What was counted so far; an answer that broke off counts what it had said. */
  result(): Metered;
}

// One line of an event stream, or a whole JSON answer; what is longer carries no usage that we could miss.
const maxHeldBytes = 8 * 1024 * 1024;

const count = (value: unknown): number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : 0;

const record = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};

/** Later figures of one answer replace earlier ones: they are totals. */
const merge = (before: TokenUsage, found: unknown): TokenUsage => {
  const usage = record(found);
  const pick = (name: string, old: number): number => (name in usage ? Math.max(old, count(usage[name])) : old);
  return {
    inputTokens: pick('input_tokens', before.inputTokens),
    outputTokens: pick('output_tokens', before.outputTokens),
    cacheReadTokens: pick('cache_read_input_tokens', before.cacheReadTokens),
    cacheWriteTokens: pick('cache_creation_input_tokens', before.cacheWriteTokens),
  };
};

export const createMeter = (contentType: string | undefined): Meter => {
  const streamed = contentType?.startsWith('text/event-stream') === true;
  let held: Buffer[] = [];
  let heldBytes = 0;
  let metered: Metered = { model: null, usage: noTokens };

  const take = (json: string): void => {
    let parsed: Record<string, unknown>;
    try {
      parsed = record(JSON.parse(json));
    } catch {
      return;
    }
    const message = parsed['type'] === 'message_start' ? record(parsed['message']) : parsed;
    metered = {
      model: typeof message['model'] === 'string' ? message['model'] : metered.model,
      usage: merge(metered.usage, message['usage']),
    };
  };

  const lines = (chunk: Buffer): void => {
    let rest = chunk;
    for (let end = rest.indexOf(10); end !== -1; end = rest.indexOf(10)) {
      const line = Buffer.concat([...held, rest.subarray(0, end)]).toString('utf8');
      held = [];
      heldBytes = 0;
      rest = rest.subarray(end + 1);
      // Only these two events carry usage; the many deltas are passed over unparsed.
      if (line.startsWith('data:') && /"type":\s*"message_(start|delta)"/.test(line)) take(line.slice(5));
    }
    hold(rest);
  };

  const hold = (chunk: Buffer): void => {
    heldBytes += chunk.length;
    if (heldBytes <= maxHeldBytes) held.push(chunk);
    else held = [];
  };

  return {
    push: (chunk) => (streamed ? lines(chunk) : hold(chunk)),
    result() {
      if (!streamed && heldBytes <= maxHeldBytes && heldBytes > 0) take(Buffer.concat(held).toString('utf8'));
      return metered;
    },
  };
};

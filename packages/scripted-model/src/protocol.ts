/**
 * The part of the Messages API that the scripted model reads: a request's shape, checked loosely.
 * Unknown fields stay as they are. It does not know scripts, rules or sockets.
 */
import { z } from 'zod';

const contentBlock = z.looseObject({ type: z.string() });
export type ContentBlock = z.infer<typeof contentBlock>;

const content = z.union([z.string(), z.array(contentBlock)]);

/** `system` appears as a role too: Claude Code sends its environment and later reminders as system turns. */
const message = z.looseObject({ role: z.enum(['user', 'assistant', 'system']), content });

const countTokensRequest = z.looseObject({
  model: z.string().min(1),
  messages: z.array(message).min(1),
  system: content.optional(),
  tools: z.array(z.looseObject({ name: z.string().optional() })).optional(),
  metadata: z.looseObject({ user_id: z.string().nullish() }).nullish(),
  output_config: z.looseObject({ format: z.looseObject({ type: z.string() }).nullish() }).nullish(),
});

const messagesRequest = countTokensRequest.extend({
  max_tokens: z.int().min(1),
  stream: z.boolean().nullish(),
});

export type CountTokensRequest = z.infer<typeof countTokensRequest>;
export type MessagesRequest = z.infer<typeof messagesRequest>;

export type Parsed<T> = { ok: true; value: T } | { ok: false; problem: string };

export const parseMessagesRequest = (body: string): Parsed<MessagesRequest> => parse(messagesRequest, body);
export const parseCountTokensRequest = (body: string): Parsed<CountTokensRequest> => parse(countTokensRequest, body);

/** The blocks of a message's content; a plain string is one text block. */
export const blocksOf = (value: string | readonly ContentBlock[] | undefined): readonly ContentBlock[] => {
  if (value === undefined) return [];
  return typeof value === 'string' ? [{ type: 'text', text: value }] : value;
};

/** All text in a content value, its blocks joined by line breaks. Nested content (a tool's result) counts. */
export const textOf = (value: unknown): string => {
  if (typeof value === 'string') return value;
  if (!Array.isArray(value)) return '';
  return value
    .map((block: unknown) => {
      const { text } = (block ?? {}) as { text?: unknown };
      return typeof text === 'string' ? text : '';
    })
    .filter((text) => text !== '')
    .join('\n');
};

const parse = <T>(schema: z.ZodType<T>, body: string): Parsed<T> => {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    return { ok: false, problem: 'The request body is not valid JSON.' };
  }
  const result = schema.safeParse(json);
  if (result.success) return { ok: true, value: result.data };
  const problem = result.error.issues.map((issue) => `${issue.path.join('.') || 'body'}: ${issue.message}`).join('; ');
  return { ok: false, problem };
};

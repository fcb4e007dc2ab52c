/** Reads the loosely typed parts of the SDK's messages: results of tools and counts of tokens. It keeps nothing. */
import type { TokenUsage } from '@remote-claude/contract';

/** What a tool's result says, as text; what is no text is named. */
export const textOfResult = (content: unknown): string => {
  if (typeof content === 'string') return withoutWrapper(content);
  if (!Array.isArray(content)) return '';
  return content
    .map((part: unknown) => {
      const { type, text } = (part ?? {}) as { type?: unknown; text?: unknown };
      if (type === 'text' && typeof text === 'string') return withoutWrapper(text);
      return `[${typeof type === 'string' ? type.replaceAll('_', ' ') : 'content'}]`;
    })
    .join('\n');
};

/** Claude Code wraps its own errors in a tag that is meant for the model. */
const withoutWrapper = (text: string): string =>
  /^<tool_use_error>([\s\S]*)<\/tool_use_error>$/.exec(text)?.[1] ?? text;

/** Of the main conversation in this turn; what subagents used is counted by the gateway. */
export const usageOf = (usage: unknown): TokenUsage => {
  const counts = (usage ?? {}) as Record<string, unknown>;
  const count = (name: string): number => {
    const value = counts[name];
    return typeof value === 'number' && value > 0 ? Math.floor(value) : 0;
  };
  return {
    inputTokens: count('input_tokens'),
    outputTokens: count('output_tokens'),
    cacheReadTokens: count('cache_read_input_tokens'),
    cacheWriteTokens: count('cache_creation_input_tokens'),
  };
};

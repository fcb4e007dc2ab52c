/**
 * Counts tokens by a fixed estimate: four characters each. The same request always counts the same, and the parts
 * of a usage add up to the whole. It does not know what was really sent before.
 */
import type { CountTokensRequest } from './protocol.js';

const charsPerToken = 4;

export const tokensOf = (chars: number): number => Math.ceil(chars / charsPerToken);

export interface InputUsage {
  readonly input_tokens: number;
  readonly cache_creation_input_tokens: number;
  readonly cache_read_input_tokens: number;
}

export const countInput = (request: CountTokensRequest): number => {
  const { total } = parts(request);
  return total;
};

/**
 * With a cache mark in the request: what stood before the model's last message is read from the cache, the newest
 * message is plain input, and what lies between is written to the cache.
 */
export const inputUsage = (request: CountTokensRequest): InputUsage => {
  const { total, beforeAnswer, newest } = parts(request);
  if (!JSON.stringify([request.system ?? '', request.messages, request.tools ?? []]).includes('"cache_control"')) {
    return { input_tokens: total, cache_creation_input_tokens: 0, cache_read_input_tokens: 0 };
  }
  return {
    input_tokens: newest,
    cache_creation_input_tokens: total - newest - beforeAnswer,
    cache_read_input_tokens: beforeAnswer,
  };
};

const parts = (request: CountTokensRequest): { total: number; beforeAnswer: number; newest: number } => {
  const head = size(request.system) + size(request.tools);
  const sizes = request.messages.map(({ content }) => size(content));
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  const lastAnswer = request.messages.findLastIndex((message) => message.role === 'assistant');
  return {
    total: head + sum(sizes),
    beforeAnswer: lastAnswer > 0 ? head + sum(sizes.slice(0, lastAnswer)) : 0,
    newest: lastAnswer === sizes.length - 1 ? 0 : (sizes.at(-1) ?? 0),
  };
};

/** Cache marks are left out, so that a mark which moves on does not change the count. */
const size = (value: unknown): number => {
  if (value === undefined) return 0;
  if (typeof value === 'string') return tokensOf(value.length);
  return tokensOf(JSON.stringify(value, (key, inner: unknown) => (key === 'cache_control' ? undefined : inner)).length);
};

// What model calls cost, in US dollars per million tokens. It knows no call and no user.
// Source: the "Model pricing" table of platform.claude.com/docs/en/about-claude/pricing, read in November 2026.

import type { TokenUsage } from '@remote-claude/contract';

interface Price {
  input: number;
  output: number;
  cacheRead: number;
  cacheWrite: number;
}

const price = (input: number, output: number, cacheRead = input / 10): Price => ({
  input,
  output,
  cacheRead,
  cacheWrite: input * 1.25,
});

// The first pattern that fits counts; a model that fits none is counted as 0 and said to be unpriced.
const table: readonly (readonly [RegExp, Price])[] = [
  [/(fable|mythos)-5-1/, price(10, 50, 0.25)],
  [/(fable|mythos)-5/, price(10, 50)],
  [/opus-5-5/, price(4, 20, 0.2)],
  [/opus-(5|4-[5-9])/, price(5, 25)],
  [/opus-4|3-opus/, price(15, 75)],
  [/sonnet-5-5/, price(2, 10, 0.1)],
  [/sonnet-5/, price(2, 10)],
  [/sonnet/, price(3, 15)],
  [/haiku-5-5/, price(0.5, 2.5)],
  [/haiku-4/, price(1, 5)],
  [/3-5-haiku|haiku-3-5/, price(0.8, 4)],
  [/haiku/, price(0.25, 1.25)],
];

/** `null` for a model that has no price here. */
export const costOf = (model: string, usage: TokenUsage): number | null => {
  const found = table.find(([pattern]) => pattern.test(model))?.[1];
  if (found === undefined) return null;
  const dollars =
    usage.inputTokens * found.input +
    usage.outputTokens * found.output +
    usage.cacheReadTokens * found.cacheRead +
    usage.cacheWriteTokens * found.cacheWrite;
  return dollars / 1_000_000;
};

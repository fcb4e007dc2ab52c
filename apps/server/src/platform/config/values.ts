// The kinds of value that a configuration has, each read from what YAML, a variable or a flag may give. No keys here.
//
// Each accepts text, since `${NAME}` is text whatever stands in it, and says in one phrase what it must be.

import { z } from 'zod';

/** Becomes `<key>Ms` in the finished configuration. */
export interface Duration {
  readonly ms: number;
}

/** Becomes `<key>Bytes` in the finished configuration. */
export interface Size {
  readonly bytes: number;
}

function value<T>(must: string, read: (input: unknown) => T | undefined) {
  return z.unknown().transform((input, context): T => {
    const result = read(input);
    if (result !== undefined) return result;
    context.addIssue({ code: 'custom', message: `must be ${must}` });
    return z.NEVER;
  });
}

export const text = (must = 'text') =>
  value(must, (input) => (typeof input === 'string' || typeof input === 'number' ? String(input) : undefined));

export const matching = (pattern: RegExp, must: string) =>
  value(must, (input) => (typeof input === 'string' && pattern.test(input) ? input : undefined));

/** A switch that cannot be turned off yet. */
export const always = () =>
  z.unknown().transform((input, context): true => {
    if (input === true || input === 'true') return true;
    const known = input === false || input === 'false';
    context.addIssue({ code: 'custom', message: `${known ? `${notSupportedYet}; ` : ''}must be true` });
    return z.NEVER;
  });

export const yesOrNo = () =>
  value('true or false', (input) =>
    input === true || input === 'true' ? true : input === false || input === 'false' ? false : undefined,
  );

export function wholeNumber(min: number, max: number) {
  return value(`a whole number from ${min} to ${max}`, (input) => {
    const number = numberOf(input);
    return Number.isSafeInteger(number) && number >= min && number <= max ? number : undefined;
  });
}

export function decimal(min: number, max: number) {
  return value(`a number from ${min} to ${max}`, (input) => {
    const number = numberOf(input);
    return number >= min && number <= max ? number : undefined;
  });
}

function numberOf(input: unknown): number {
  if (typeof input === 'number') return input;
  return typeof input === 'string' && input.trim() !== '' ? Number(input) : Number.NaN;
}

/** `later` are values that the product will know; they are refused by that name. */
export function choice<const T extends string>(values: readonly T[], later: readonly string[] = []) {
  return z.unknown().transform((input, context): T => {
    const found = values.find((candidate) => candidate === input);
    if (found !== undefined) return found;
    const known = later.includes(String(input));
    const must = values.length === 1 ? String(values[0]) : `one of ${values.join(', ')}`;
    context.addIssue({ code: 'custom', message: `${known ? `${notSupportedYet}; ` : ''}must be ${must}` });
    return z.NEVER;
  });
}

export const notSupportedYet = 'not supported yet';

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const unitBytes: Readonly<Record<string, number>> = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 };
// setTimeout fires at once beyond this many milliseconds; a year is more than anything here needs.
const maxDurationMs = 365 * 86_400_000;

export function duration() {
  return value('a duration of at most a year such as 250ms, 30s, 30m, 8h or 1h30m', (input): Duration | undefined => {
    if (typeof input !== 'string' || !/^(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(input)) return undefined;
    const parts = [...input.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)];
    const ms = Math.round(
      parts.reduce((sum, part) => sum + Number(part[1]) * (unitMs[part[2] ?? ''] ?? Number.NaN), 0),
    );
    return ms > 0 && ms <= maxDurationMs ? { ms } : undefined;
  });
}

export function size() {
  return value('a size such as 512KiB, 1MiB or 10GiB', (input): Size | undefined => {
    const parts = typeof input === 'string' ? /^(\d+(?:\.\d+)?) ?(B|KiB|MiB|GiB|TiB)$/.exec(input) : null;
    if (parts === null) return undefined;
    const bytes = Math.floor(Number(parts[1]) * (unitBytes[parts[2] ?? ''] ?? Number.NaN));
    return bytes > 0 && Number.isSafeInteger(bytes) ? { bytes } : undefined;
  });
}

/** An address that begins with one of the schemes, returned as it was written but for a slash at its end. */
export function address(...schemes: string[]) {
  return value(`an address that begins with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`, (input) => {
    if (typeof input !== 'string' || !URL.canParse(input)) return undefined;
    return schemes.includes(new URL(input).protocol.slice(0, -1)) ? input.replace(/\/+$/, '') : undefined;
  });
}

/** A YAML list, or text with commas, of at least `min` items. */
export function listOf<T>(item: z.ZodType<T>, min = 0) {
  const split = (input: unknown) =>
    typeof input === 'string'
      ? input
          .split(',')
          .map((part) => part.trim())
          .filter((part) => part !== '')
      : input;
  return z.preprocess(
    split,
    z.array(item, { error: 'must be a list' }).min(min, { error: `must be a list of at least ${min}` }),
  );
}

/** A key that has no default: null where it is not given. */
export function optional<T>(item: z.ZodType<T>) {
  return item.nullable().default(null);
}

/** Cuts text and tool inputs to what an event carries. It does not know where the whole of a text goes. */
import { maxInlineText, type BoundedText, type ToolInput, type WholeInput } from '@remote-claude/contract';

/** JSON bytes that one part of an event may take: the event's other fields have the rest of the 64 KiB. */
const maxPartBytes = 40 * 1024;

const jsonBytes = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

/** The beginning of a text: at most `maxUnits` UTF-16 units, never half of a character. */
export const beginning = (text: string, maxUnits: number): string => {
  if (text.length <= maxUnits) return text;
  const last = text.charCodeAt(maxUnits - 1);
  const isHalf = last >= 0xd800 && last <= 0xdbff;
  return text.slice(0, isHalf ? maxUnits - 1 : maxUnits);
};

/** As `beginning`, with an ellipsis in place of what is left out. */
export const shortened = (text: string, maxUnits: number): string =>
  text.length <= maxUnits ? text : `${beginning(text, maxUnits - 1)}…`;

/** `keep` stores the whole of a text that is too long and names it, or returns null where it cannot. */
export const boundedText = (text: string, keep: (whole: string) => string | null): BoundedText => {
  const bytes = Buffer.byteLength(text);
  let inline = beginning(text, maxInlineText);
  // Control characters take six bytes each as JSON, so the count of units alone is no bound.
  for (let size = jsonBytes(inline); size > maxPartBytes; size = jsonBytes(inline)) {
    inline = beginning(inline, Math.max(1, Math.floor((inline.length * maxPartBytes) / size) - 1));
  }
  if (inline.length === text.length) return { text, bytes };
  const blob = keep(text);
  return blob === null ? { text: inline, bytes, cut: true } : { text: inline, bytes, blob };
};

const stringLimits = [8_000, 2_000, 500, 100];
const maxItems = 50;
const maxDepth = 6;

export interface BoundedInput {
  input: ToolInput;
  /** Where the input is not the whole: how large that is, and where it is kept, if anywhere. */
  wholeInput?: WholeInput;
}

/** A tool's input that fits into an event: long strings keep their beginning and say how much is missing. */
export const boundedInput = (input: unknown, keep: (whole: string) => string | null): BoundedInput => {
  const whole: ToolInput =
    typeof input === 'object' && input !== null && !Array.isArray(input) ? { ...input } : { value: input ?? null };
  const text = JSON.stringify(whole);
  const bytes = Buffer.byteLength(text);
  if (bytes <= maxPartBytes) return { input: whole };
  const blob = keep(text);
  const wholeInput = blob === null ? { bytes } : { bytes, blob };
  for (const limit of stringLimits) {
    const smaller = cutValue(whole, limit, 0) as ToolInput;
    if (jsonBytes(smaller) <= maxPartBytes) return { input: smaller, wholeInput };
  }
  return { input: { note: 'The input is too large to show.' }, wholeInput };
};

const cutValue = (value: unknown, limit: number, depth: number): unknown => {
  if (typeof value === 'string') {
    return value.length <= limit ? value : `${beginning(value, limit)}… [${value.length - limit} more characters]`;
  }
  if (typeof value !== 'object' || value === null) return value;
  if (depth === maxDepth) return '…';
  if (Array.isArray(value)) {
    const items = value.slice(0, maxItems).map((item) => cutValue(item, limit, depth + 1));
    return value.length > maxItems ? [...items, `… [${value.length - maxItems} more]`] : items;
  }
  const entries = Object.entries(value).slice(0, maxItems);
  return Object.fromEntries(entries.map(([key, item]) => [beginning(key, limit), cutValue(item, limit, depth + 1)]));
};

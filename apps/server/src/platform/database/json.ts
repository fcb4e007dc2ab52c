// Values for jsonb columns. It knows no table.

import { sql, type RawBuilder } from 'kysely';

declare const made: unique symbol;
/** The type of a jsonb column when it is written: nothing but `json()` makes it. */
export interface JsonParameter {
  readonly [made]: true;
}

// JSON escapes that jsonb refuses: NUL and halves of surrogate pairs. An even number of backslashes before one means
// that it is an escape and not text about one.
const refused = /(?<!\\)((?:\\\\)*)\\u(?:0000|d[89a-f][0-9a-f]{2})/g;

/**
 * A jsonb parameter. Needed because the driver turns arrays into PostgreSQL's own and leaves strings bare. What jsonb
 * cannot hold becomes U+FFFD, so that no text from a session makes an insert fail.
 */
export function json(value: unknown): RawBuilder<JsonParameter> {
  return sql<JsonParameter>`${jsonText(value)}::jsonb`;
}

export function jsonText(value: unknown): string {
  const text = JSON.stringify(value);
  if (text === undefined) throw new TypeError('This value has no JSON form.');
  return replaceRefused(text);
}

/** The value as it would come back from a jsonb column; text of it fits into a text column too. */
export function storable(value: unknown): unknown {
  const text = JSON.stringify(value) as string | undefined;
  return text === undefined || !text.includes('\\u') ? value : JSON.parse(replaceRefused(text));
}

function replaceRefused(text: string): string {
  return text.includes('\\u') ? text.replace(refused, '$1\\ufffd') : text;
}

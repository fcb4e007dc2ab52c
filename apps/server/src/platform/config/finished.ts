// The last step from parsed sections to the finished configuration: units go into names, nothing can be changed.
// It knows no key.

import type { Duration, Size } from './values.js';

type NameOf<K extends PropertyKey, V> = K extends string
  ? V extends Duration
    ? `${K}Ms`
    : V extends Size
      ? `${K}Bytes`
      : K
  : K;

type ValueOf<V> = V extends Duration | Size
  ? number
  : V extends readonly (infer Item)[]
    ? readonly ValueOf<Item>[]
    : V extends object
      ? Finished<V>
      : V;

/** `idleTimeout: Duration` becomes `idleTimeoutMs: number`, `maxBody: Size` becomes `maxBodyBytes: number`. */
export type Finished<T> = { readonly [K in keyof T as NameOf<K, T[K]>]: ValueOf<T[K]> };

export function finish<T extends object>(sections: T): Finished<T> {
  return finishObject(sections as Record<string, unknown>) as Finished<T>;
}

function finishObject(object: Readonly<Record<string, unknown>>): unknown {
  const entries = Object.entries(object).map(([key, value]): [string, unknown] => {
    if (Array.isArray(value)) return [key, Object.freeze([...(value as unknown[])])];
    if (typeof value !== 'object' || value === null) return [key, value];
    if ('ms' in value) return [`${key}Ms`, value.ms];
    if ('bytes' in value) return [`${key}Bytes`, value.bytes];
    return [key, finishObject(value as Record<string, unknown>)];
  });
  return Object.freeze(Object.fromEntries(entries));
}

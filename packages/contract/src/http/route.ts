/** What a route is: one value from which types, validation, stripping, documentation and client come. */
import type { z } from 'zod';

import type { ErrorCode } from '../errors.js';
import type { Permission } from '../permissions.js';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'HEAD' | 'OPTIONS';

/** `stream`: bytes in the answer; `upload`: bytes in the request; `socket`: an upgrade; both are documented, not parsed. */
export type RouteKind = 'json' | 'stream' | 'upload' | 'socket';

/** What becomes of a request that comes again with the same `Idempotency-Key`, where the first answer was not kept. */
export type Repeat =
  /** It is done again, under the id of the first time: the effect is that of once. */
  | 'harmless'
  /** It may have been done in a session, which nobody can ask: it is refused with `outcome_unknown`. */
  | 'refused';

export interface Route {
  /** Name of the operation, unique: `sessions.create`. */
  id: string;
  method: Method;
  /** Under `/api`, with `:param` and at the end perhaps `*`. */
  path: string;
  summary: string;
  permission: Permission;
  kind: RouteKind;
  params?: z.ZodObject;
  query?: z.ZodObject;
  body?: z.ZodType;
  /** By status. A schema strips what it does not name; null is an answer without JSON. */
  responses: Readonly<Record<number, z.ZodType | null>>;
  /** What it may answer besides the codes that any route may. */
  errors: readonly ErrorCode[];
  /** Action written to the audit log; every mutation has one. */
  audit: string | null;
  /** null takes no key: reads, streams, what has no known sender, and what has a protocol of its own. */
  repeat: Repeat | null;
}

type Optional = 'kind' | 'errors' | 'audit' | 'repeat';

/** Fills the defaults in and keeps the literal types. */
export const defineRoute = <const R extends Omit<Route, Optional> & Partial<Pick<Route, Optional>>>(
  route: R,
): R & {
  kind: R['kind'] extends RouteKind ? R['kind'] : 'json';
  errors: readonly ErrorCode[];
  audit: string | null;
  repeat: Repeat | null;
} => {
  const full = { kind: 'json', errors: [], audit: null, ...route } as const;
  const keyed = full.kind === 'json' && full.method !== 'GET' && full.permission !== 'public';
  return { repeat: keyed ? 'harmless' : null, ...full };
};

type InputOf<S> = S extends z.ZodType ? z.input<S> : undefined;
type OutputOf<S> = S extends z.ZodType ? z.output<S> : undefined;
type Field<R, K extends string> = R extends { [P in K]: infer S } ? S : undefined;

/** What a caller gives. */
export type RequestOf<R> = (Field<R, 'params'> extends z.ZodType ? { params: InputOf<Field<R, 'params'>> } : unknown) &
  (Field<R, 'query'> extends z.ZodType ? { query?: InputOf<Field<R, 'query'>> } : unknown) &
  (Field<R, 'body'> extends z.ZodType ? { body: InputOf<Field<R, 'body'>> } : unknown);

/** What a handler gets. */
export type ParamsOf<R> = OutputOf<Field<R, 'params'>>;
export type QueryOf<R> = OutputOf<Field<R, 'query'>>;
export type BodyOf<R> = OutputOf<Field<R, 'body'>>;

type Responses<R> = R extends { responses: infer M } ? M : never;
/** What a caller gets: the JSON of any success status. */
export type AnswerOf<R> = {
  [S in keyof Responses<R>]: Responses<R>[S] extends z.ZodType ? z.output<Responses<R>[S]> : null;
}[keyof Responses<R>];
/** What a handler may answer under one status. */
export type ResponseOf<R, S extends number> = S extends keyof Responses<R> ? InputOf<Responses<R>[S]> : never;

/** Header that names one act of a caller, so that it may be sent again: up to 255 printable characters. */
export const idempotencyHeader = 'idempotency-key';

/** Codes that any route may answer with. */
export const commonErrors = [
  'bad_request',
  'validation_failed',
  'rate_limited',
  'unavailable',
  'internal',
] as const satisfies readonly ErrorCode[];

/** The typed client of the route table. The caller brings `fetch`; nothing of the server is in here. */
import { AppError, errorBody, type ErrorCode } from './errors.js';
import { idempotencyHeader, type AnswerOf, type RequestOf, type Route } from './http/route.js';

interface FetchAnswer {
  ok: boolean;
  status: number;
  headers: { get(name: string): string | null };
  text(): Promise<string>;
}
type Fetch = (
  url: string,
  init: { method: string; headers: Record<string, string>; body?: string; signal?: never; credentials?: 'same-origin' },
) => Promise<FetchAnswer>;

export interface ClientOptions {
  /** Where the API is, up to and with `/api`. */
  baseUrl: string;
  fetch: Fetch;
  /** Sent with every request: a bearer token, say. */
  headers?: () => Record<string, string>;
  /** Makes every act one act, however often it is sent; without it each call is sent once, under no key. */
  repeats?: RepeatOptions;
}

export interface RepeatOptions {
  newKey(): string;
  /** Pauses before the act is sent again because no answer came. */
  pausesMs: readonly number[];
  wait(ms: number): Promise<void>;
}

interface AnyRequest {
  params?: Record<string, unknown>;
  query?: Record<string, unknown>;
  body?: unknown;
}

/** The address of a route, with its parameters and query filled in; each path segment is encoded. */
export const addressOf = (route: Pick<Route, 'path'>, request: AnyRequest = {}): string => {
  const encodePath = (path: string): string => path.split('/').map(encodeURIComponent).join('/');
  const path = route.path.replace(/:(\w+)|\*/g, (_match, name: string | undefined) =>
    name === undefined
      ? encodePath(String(request.params?.['*'] ?? ''))
      : encodeURIComponent(String(request.params?.[name] ?? '')),
  );
  const query = Object.entries(request.query ?? {})
    .filter(([, value]) => value !== undefined && value !== null)
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(String(value))}`)
    .join('&');
  return query === '' ? path : `${path}?${query}`;
};

/** The error that an answer carries; a body that is not ours becomes the code that fits its status. */
export const errorOf = (status: number, text: string): AppError => {
  try {
    const { error } = errorBody.parse(JSON.parse(text));
    return new AppError(error.code, { ...error.details, message: error.message });
  } catch (cause) {
    const code: ErrorCode =
      status === 401 ? 'unauthenticated' : status === 404 ? 'not_found' : status >= 500 ? 'unavailable' : 'bad_request';
    return new AppError(code, {}, { cause });
  }
};

interface Answered {
  ok: boolean;
  status: number;
  text: string;
}
type Send = (route: Route, request: AnyRequest, more?: Record<string, string>) => Promise<Answered>;

interface Act {
  key: string;
  underway: Promise<Answered> | null;
}

/** Acts without an answer whose keys are remembered. */
const maxUnanswered = 50;

/** A proxy or a server in distress answered: the act may have been done, and asking again is harmless. */
const isUncertain = (route: Route, { status }: Answered): boolean => status >= 502 && route.repeat === 'harmless';

/**
 * Sends an act under one key until an answer comes. The same act asked for meanwhile (a double click) is that one; asked
 * for later, while no answer has come to it, it keeps its key.
 */
const createRepeater = (send: Send, { newKey, pausesMs, wait }: RepeatOptions): Send => {
  const acts = new Map<string, Act>();

  const sendUntilAnswered = async (route: Route, request: AnyRequest, key: string): Promise<Answered> => {
    for (const pauseMs of pausesMs) {
      try {
        return await send(route, request, { [idempotencyHeader]: key });
      } catch {
        await wait(pauseMs);
      }
    }
    return send(route, request, { [idempotencyHeader]: key });
  };

  return async (route, request) => {
    if (route.repeat === null) return send(route, request);
    const name = `${route.id} ${JSON.stringify(request)}`;
    const act = acts.get(name) ?? { key: newKey(), underway: null };
    if (act.underway !== null) return act.underway;
    const [oldest] = acts.keys();
    if (acts.size >= maxUnanswered && oldest !== undefined) acts.delete(oldest);
    acts.set(name, act);
    act.underway = sendUntilAnswered(route, request, act.key);
    try {
      const answer = await act.underway;
      if (!isUncertain(route, answer)) acts.delete(name);
      return answer;
    } finally {
      act.underway = null;
    }
  };
};

export const createClient = ({ baseUrl, fetch, headers, repeats }: ClientOptions) => {
  const sendOnce: Send = async (route, request, more = {}) => {
    const { body } = request;
    try {
      const answer = await fetch(baseUrl + addressOf(route, request), {
        method: route.method,
        credentials: 'same-origin',
        headers: {
          accept: 'application/json',
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers?.(),
          ...more,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return { ok: answer.ok, status: answer.status, text: await answer.text() };
    } catch (cause) {
      throw new AppError(
        'unavailable',
        { message: 'The server did not answer. Check the connection and try again.' },
        { cause },
      );
    }
  };
  const send = repeats === undefined ? sendOnce : createRepeater(sendOnce, repeats);

  return {
    /** Calls a JSON route. Throws `AppError`; `unavailable` where no answer came at all. */
    async call<const R extends Route>(route: R, request: RequestOf<R>): Promise<AnswerOf<R>> {
      const { ok, status, text } = await send(route, request as AnyRequest);
      if (!ok) throw errorOf(status, text);
      const schema = route.responses[status];
      return (schema ? schema.parse(JSON.parse(text)) : null) as AnswerOf<R>;
    },
  };
};
export type Client = ReturnType<typeof createClient>;

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
  /** Makes every call one act, however often it is sent; without it each is sent once, under no key. */
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
type Send = (route: Route, request: AnyRequest, key: string | null) => Promise<Answered>;

/** Calls a JSON route. Throws `AppError`; `unavailable` where no answer came at all. */
export type Call = <const R extends Route>(route: R, request: RequestOf<R>) => Promise<AnswerOf<R>>;

/** A proxy or a server in distress answered: the act may have been done, and asking again is harmless. */
const isUncertain = (route: Route, { status }: Answered): boolean => status >= 502 && route.repeat === 'harmless';

const answerOf = <const R extends Route>(route: R, { ok, status, text }: Answered): AnswerOf<R> => {
  if (!ok) throw errorOf(status, text);
  const schema = route.responses[status];
  return (schema ? schema.parse(JSON.parse(text)) : null) as AnswerOf<R>;
};

/** Sends an act under its key until an answer comes. */
const repeating =
  (sendOnce: Send, { pausesMs, wait }: RepeatOptions): Send =>
  async (route, request, key) => {
    if (key === null) return sendOnce(route, request, null);
    for (const pauseMs of pausesMs) {
      try {
        return await sendOnce(route, request, key);
      } catch {
        await wait(pauseMs);
      }
    }
    return sendOnce(route, request, key);
  };

/**
 * For a form that a person can send again: the same content sent meanwhile (a double click) or afterwards, while no
 * answer has come, is the same act and keeps its key.
 */
const createForm = (send: Send, keyFor: (route: Route) => string | null): { call: Call } => {
  let open: { name: string; key: string | null; underway: Promise<Answered> | null } | null = null;
  const sendAct = async (route: Route, request: AnyRequest): Promise<Answered> => {
    const name = `${route.id} ${JSON.stringify(request)}`;
    const act = open?.name === name ? open : { name, key: keyFor(route), underway: null };
    open = act;
    const answer = await (act.underway ??= send(route, request, act.key).finally(() => {
      act.underway = null;
    }));
    if (open === act && !isUncertain(route, answer)) open = null;
    return answer;
  };
  return { call: async (route, request) => answerOf(route, await sendAct(route, request as AnyRequest)) };
};

export const createClient = ({ baseUrl, fetch, headers, repeats }: ClientOptions) => {
  const sendOnce: Send = async (route, request, key) => {
    const { body } = request;
    try {
      const answer = await fetch(baseUrl + addressOf(route, request), {
        method: route.method,
        credentials: 'same-origin',
        headers: {
          accept: 'application/json',
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers?.(),
          ...(key === null ? {} : { [idempotencyHeader]: key }),
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
  const send = repeats === undefined ? sendOnce : repeating(sendOnce, repeats);
  const keyFor = (route: Route): string | null => (route.repeat === null ? null : (repeats?.newKey() ?? null));
  const call: Call = async (route, request) => answerOf(route, await send(route, request as AnyRequest, keyFor(route)));

  return {
    /** Each call is an act of its own, however alike they are. */
    call,
    /** One for each form in which a person may try again. */
    form: () => createForm(send, keyFor),
  };
};
export type Client = ReturnType<typeof createClient>;

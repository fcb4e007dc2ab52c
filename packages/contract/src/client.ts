/** The typed client of the route table. The caller brings `fetch`; nothing of the server is in here. */
import { AppError, errorBody, type ErrorCode } from './errors.js';
import type { AnswerOf, RequestOf, Route } from './http/route.js';

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

export const createClient = ({ baseUrl, fetch, headers }: ClientOptions) => ({
  /** Calls a JSON route. Throws `AppError`; `unavailable` where no answer came at all. */
  async call<const R extends Route>(route: R, request: RequestOf<R>): Promise<AnswerOf<R>> {
    const { body } = request as AnyRequest;
    const init = {
      method: route.method,
      credentials: 'same-origin' as const,
      headers: {
        accept: 'application/json',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers?.(),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    };
    let answer: FetchAnswer;
    try {
      answer = await fetch(baseUrl + addressOf(route, request as AnyRequest), init);
    } catch (cause) {
      throw new AppError(
        'unavailable',
        { message: 'The server did not answer. Check the connection and try again.' },
        { cause },
      );
    }
    const text = await answer.text();
    if (!answer.ok) throw errorOf(answer.status, text);
    const schema = route.responses[answer.status];
    return (schema ? schema.parse(JSON.parse(text)) : null) as AnswerOf<R>;
  },
});
export type Client = ReturnType<typeof createClient>;

/** Calls of the API from the page. It does not know what to do with an error; callers and the query cache do. */
import { AppError, createClient, type AnswerOf, type RequestOf, type Route } from '@remote-claude/contract';

import { apiUrl } from './base-path';

/** Calls one route of the table with the cookie of this sign-in. Throws `AppError`. */
export const call = <const R extends Route>(route: R, request: RequestOf<R>): Promise<AnswerOf<R>> =>
  createClient({ baseUrl: apiUrl(), fetch: (url, init) => window.fetch(url, init as RequestInit) }).call(
    route,
    request,
  );

export const isCode = (error: unknown, ...codes: AppError['code'][]): boolean =>
  error instanceof AppError && codes.includes(error.code);

/** The sentence to show for anything that was thrown. */
export const sentenceOf = (error: unknown): string =>
  error instanceof AppError ? error.message : 'Something unexpected happened in the page. Reload it and try again.';

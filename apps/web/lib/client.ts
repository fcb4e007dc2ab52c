/** Calls of the API from the page. It does not know what to do with an error; callers and the query cache do. */
import {
  AppError,
  createClient,
  type AnswerOf,
  type Call,
  type Client,
  type RequestOf,
  type Route,
} from '@remote-claude/contract';

import { apiUrl } from './base-path';
import { newUuid } from './ids';

/** A server that starts anew is back within these. */
const pausesMs = [300, 1_000, 2_500];

let client: Client | null = null;

/** One for the page. Made late: the base path is known only in a browser. */
const theClient = (): Client =>
  (client ??= createClient({
    baseUrl: apiUrl(),
    fetch: (url, init) => window.fetch(url, init),
    repeats: {
      newKey: newUuid,
      pausesMs,
      wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    },
  }));

/** Calls one route of the table with the cookie of this sign-in. Throws `AppError`. */
export const call = <const R extends Route>(route: R, request: RequestOf<R>): Promise<AnswerOf<R>> =>
  theClient().call(route, request);

/** `call` for one form: sent again because no answer came, it is the same act. */
export const newForm = (): { call: Call } => theClient().form();

export const isCode = (error: unknown, ...codes: AppError['code'][]): boolean =>
  error instanceof AppError && codes.includes(error.code);

/** The sentence to show for anything that was thrown. */
export const sentenceOf = (error: unknown): string =>
  error instanceof AppError ? error.message : 'Something unexpected happened in the page. Reload it and try again.';

// Calls of a route in the rough, with any headers and any body, and a record of which route answered what.

import { addressOf, allRoutes, errorBody, type Route } from '@remote-claude/contract';

import type { Product } from './product.js';

export interface Call {
  params?: Record<string, unknown>;
  query?: Record<string, unknown>;
  /** Sent as JSON. */
  body?: unknown;
  /** Sent as it is. */
  raw?: BodyInit;
  headers?: Record<string, string>;
}

export const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });

/** `who` are headers that say who calls; Origin is the product's own, as a page's would be. */
export const callRoute = (
  product: Product,
  route: Route,
  who: Record<string, string>,
  call: Call = {},
): Promise<Response> => {
  const body = call.raw ?? (call.body === undefined ? undefined : JSON.stringify(call.body));
  const type: Record<string, string> = call.body === undefined ? {} : { 'content-type': 'application/json' };
  return fetch(product.url + '/api' + addressOf(route, call), {
    method: route.method,
    headers: { origin: product.url, ...type, ...who, ...call.headers },
    redirect: 'manual',
    ...(body === undefined ? {} : { body }),
  });
};

/** The code of a refusal; null where a body says nothing, as that of HEAD. */
export const codeOf = async (answer: Response): Promise<string | null> => {
  const body = await answer.text();
  return body === '' ? null : errorBody.parse(JSON.parse(body)).error.code;
};

/** The login cookie of a person, as a page would hold it: `name=value`. */
export const signInByCookie = async (
  product: Product,
  person: { email: string; password: string },
): Promise<string> => {
  const answer = await fetch(`${product.url}/api/auth/login`, {
    method: 'POST',
    headers: { origin: product.url, 'content-type': 'application/json' },
    body: JSON.stringify({ email: person.email, password: person.password }),
  });
  const [cookie = ''] = (answer.headers.getSetCookie()[0] ?? '').split(';');
  if (!answer.ok || cookie === '') throw new Error(`no cookie: ${answer.status} ${await answer.text()}`);
  return cookie;
};

export interface Recorder {
  add(routeId: string, status: number): void;
  /** Routes that were never answered with success, and never with a refusal. */
  missing(): { success: string[]; refusal: string[] };
  /** Puts the usual `fetch` back. */
  close(): void;
}

const pattern = ({ path }: Route): RegExp => new RegExp(`^/api${path.replace(/:\w+/g, '[^/]+').replace('*', '.+')}$`);

/** Watches the file's own `fetch`, so that no call is forgotten. Sockets are added by hand. */
export const recordCalls = (): Recorder => {
  const table = allRoutes.map((route) => ({ route, pattern: pattern(route) }));
  const seen = { success: new Set<string>(), refusal: new Set<string>() };
  const usual = globalThis.fetch;
  const add = (id: string, status: number): void => void (status < 400 ? seen.success : seen.refusal).add(id);
  globalThis.fetch = async (input, init) => {
    const answer = await usual(input, init);
    const { pathname } = new URL(input instanceof Request ? input.url : String(input));
    const found = table.find(
      ({ route, pattern: fits }) =>
        route.kind !== 'socket' && route.method === (init?.method ?? 'GET') && fits.test(pathname),
    );
    if (found !== undefined) add(found.route.id, answer.status);
    return answer;
  };
  return {
    add,
    missing: () => ({
      success: allRoutes.map(({ id }) => id).filter((id) => !seen.success.has(id)),
      refusal: allRoutes.map(({ id }) => id).filter((id) => !seen.refusal.has(id)),
    }),
    close: () => void (globalThis.fetch = usual),
  };
};

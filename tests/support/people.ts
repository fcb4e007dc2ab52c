// People of a test: the first admin by the set-up link, others by the admin, each with a token for the API.

import { createClient, routes, type Client } from '@remote-claude/contract';

import type { Product } from './product.js';

export interface Person {
  email: string;
  password: string;
  token: string;
  client: Client;
  /** fetch with the person's token, for routes that are not JSON. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
}

export const anonymous = (product: Product, headers: Record<string, string> = {}): Client =>
  createClient({
    baseUrl: `${product.url}/api`,
    fetch: (url, init) => fetch(url, { ...init, headers: { origin: product.url, ...init.headers } }),
    headers: () => headers,
  });

export const signIn = async (product: Product, email: string, password: string): Promise<Person> => {
  const { token = '' } = await anonymous(product).call(routes.auth.login, {
    body: { email, password, session: 'token' },
  });
  const authorization = `Bearer ${token}`;
  return {
    email,
    password,
    token,
    client: anonymous(product, { authorization }),
    fetch: (path, init = {}) =>
      fetch(`${product.url}/api${path}`, {
        ...init,
        headers: { authorization, ...(init.headers as Record<string, string>) },
      }),
  };
};

export const setUpAdmin = async (product: Product): Promise<Person> => {
  const token = new URL(product.setupUrl ?? '').hash.replace('#token=', '');
  const person = { email: 'ada@example.org', password: 'a password for Ada' };
  await anonymous(product).call(routes.auth.setup, { body: { token, name: 'Ada', ...person } });
  return signIn(product, person.email, person.password);
};

export const addMember = async (product: Product, admin: Person, name: string): Promise<Person> => {
  const person = { email: `${name.toLowerCase()}@example.org`, password: `a password for ${name}` };
  await admin.client.call(routes.users.create, { body: { name, ...person } });
  return signIn(product, person.email, person.password);
};

export const lockOut = async (admin: Person, { email }: Person): Promise<void> => {
  const { items } = await admin.client.call(routes.users.list, {});
  const found = items.find((user) => user.email === email);
  if (found === undefined) throw new Error(`${email} is not among the users`);
  await admin.client.call(routes.users.patch, { params: { id: found.id }, body: { disabled: true } });
};

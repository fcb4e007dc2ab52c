// An HTTP request whose path is sent letter for letter: `fetch` tidies dots and encodings away before it sends.

import { request } from 'node:http';

import type { Person } from './people.js';
import type { Product } from './product.js';

export interface RawAnswer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: Buffer;
}

export interface RawRequest {
  method?: string;
  /** From `/api` on, sent as it is. */
  path: string;
  headers?: Record<string, string>;
  body?: string | Uint8Array;
}

/** `who` is null for nobody. */
export const rawRequest = (
  product: Product,
  who: Person | null,
  { method = 'GET', path, headers = {}, body }: RawRequest,
): Promise<RawAnswer> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(product.url);
    const authorization: Record<string, string> = who === null ? {} : { authorization: `Bearer ${who.token}` };
    const length: Record<string, string> =
      body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const outgoing = request(
      { hostname, port, method, path, headers: { ...authorization, ...length, ...headers }, timeout: 30_000 },
      (answer) => {
        const parts: Buffer[] = [];
        answer.on('data', (part: Buffer) => parts.push(part));
        answer.on('error', reject);
        answer.on('end', () =>
          resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(parts) }),
        );
      },
    );
    outgoing.on('timeout', () => outgoing.destroy(new Error(`${method} ${path} was not answered within 30 s`)));
    outgoing.on('error', reject);
    outgoing.end(body);
  });

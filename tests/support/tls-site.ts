// A site as people reach it: by a name and TLS, whatever address it has here. The name is known to nobody but these calls, and
// the certificate is one that the test made.

import { execFile } from 'node:child_process';
import { Agent, request } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { promisify } from 'node:util';
import { createClient, routes, type Client } from '@remote-claude/contract';

import { builtEnv } from './config.js';
import type { Person } from './people.js';
import type { RawAnswer, RawRequest } from './raw-request.js';

const run = promisify(execFile);

/** A key and a certificate that speaks for itself, in PEM files. */
export const makeCertificate = async (name: string, files: { certificate: string; key: string }): Promise<void> => {
  const subject = ['-subj', '/CN=a test', '-addext', `subjectAltName=DNS:${name}`, '-days', '2'];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const out = ['-keyout', files.key, '-out', files.certificate];
  await run('openssl', ['req', '-x509', ...curve, ...subject, ...out], { env: builtEnv() });
};

export interface TlsSite {
  /** `https://name:port` */
  url: string;
  agent: Agent;
  ask(what: RawRequest): Promise<RawAnswer>;
  client(headers?: Record<string, string>): Client;
  close(): void;
}

export interface TlsSiteOptions {
  url: string;
  /** Where the name leads. */
  address: string;
  /** PEM of whom to believe. */
  ca: string;
}

export const openTlsSite = ({ url, address, ca }: TlsSiteOptions): TlsSite => {
  const lookup: LookupFunction = (_name, options, found) => {
    if (options.all === true) found(null, [{ address, family: isIP(address) }]);
    else found(null, address, isIP(address));
  };
  const agent = new Agent({ ca, lookup, keepAlive: true });

  const ask: TlsSite['ask'] = ({ method = 'GET', path, headers = {}, body }) =>
    new Promise((resolve, reject) => {
      const length: Record<string, string> =
        body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
      const outgoing = request(new URL(url), {
        // The name is the site's, whatever Host says.
        ...{ agent, method, path, timeout: 60_000, servername: new URL(url).hostname },
        headers: { ...length, ...headers },
      });
      outgoing.on('response', (answer) => {
        const parts: Buffer[] = [];
        answer.on('data', (part: Buffer) => parts.push(part));
        answer.on('error', reject);
        answer.on('end', () =>
          resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(parts) }),
        );
      });
      outgoing.on('timeout', () => outgoing.destroy(new Error(`${method} ${path} was not answered within 60 s`)));
      outgoing.on('error', reject);
      outgoing.end(body);
    });

  return {
    url,
    agent,
    ask,
    client: (headers = {}) =>
      createClient({
        baseUrl: '/api',
        headers: () => ({ origin: url, ...headers }),
        async fetch(path, init) {
          const { status, headers: said, body } = await ask({ path, ...init });
          return {
            ok: status >= 200 && status < 300,
            status,
            headers: { get: (name) => [said[name.toLowerCase()] ?? []].flat()[0] ?? null },
            text: async () => body.toString('utf8'),
          };
        },
      }),
    close: () => agent.destroy(),
  };
};

/** The first administrator, with a token for programs and a cookie as a browser has it. */
export const setUpOverTls = async (site: TlsSite, setupUrl: string | null): Promise<Person & { cookie: string }> => {
  const token = new URL(setupUrl ?? '').hash.replace('#token=', '');
  const person = { email: 'ada@example.org', password: 'a password for Ada' };
  await site.client().call(routes.auth.setup, { body: { token, name: 'Ada', ...person } });
  const signedIn = await site.client().call(routes.auth.login, { body: { ...person, session: 'token' } });
  const authorization = `Bearer ${signedIn.token ?? ''}`;
  const login = await site.ask({
    method: 'POST',
    path: '/api/auth/login',
    headers: { origin: site.url, 'content-type': 'application/json' },
    body: JSON.stringify(person),
  });
  return {
    ...person,
    token: signedIn.token ?? '',
    cookie: [login.headers['set-cookie'] ?? []].flat()[0] ?? '',
    client: site.client({ authorization }),
    fetch: () => Promise.reject(new Error('over TLS ask the site')),
  };
};

import { randomBytes, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request as plainRequest } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppError } from '@remote-claude/contract';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';

import { createSilentLog } from '../../testing/silent-log.js';
import { createLogContext } from '../log-context.js';
import { issueCredentials, nameOfRole } from './certificates.js';
import { createPeer, loadCredentials, openInternalPort, type Credentials, type Peer } from './index.js';

const seed = randomBytes(32);
const log = createSilentLog();
const heard: string[] = [];
const peers: Peer[] = [];
let port: Awaited<ReturnType<typeof openInternalPort>>;

const openPort = (credentials: Credentials) =>
  openInternalPort({
    host: '127.0.0.1',
    port: 0,
    credentials,
    log,
    services: {
      echo: {
        async request(path, _request, response) {
          heard.push(path);
          if (path === '/refused') throw new AppError('conflict', { message: 'Not like this.' });
          response.end(JSON.stringify({ path }));
        },
      },
    },
  });
const peerAt = (url: string, credentials: Credentials, role = 'gateway', named = true): Peer => {
  const peer = createPeer({ role, url, credentials, named, timeoutMs: 2_000 });
  peers.push(peer);
  return peer;
};
const asked = z.object({ path: z.string() });

beforeAll(async () => {
  port = await openPort(issueCredentials(seed, ['gateway']));
});
afterEach(() => {
  heard.length = 0;
  for (const peer of peers.splice(0)) peer.close();
});
afterAll(() => port.close());

describe('certificates of a site', () => {
  test('the same key gives the same authority, and every role a certificate of its own', () => {
    const [one, other] = [issueCredentials(seed, ['api']), issueCredentials(seed, ['gateway', 'session-manager'])];
    expect(one.ca).toBe(other.ca);
    expect(one.key).not.toBe(other.key);
    const authority = new X509Certificate(one.ca);
    for (const { certificate } of [one, other]) {
      const parsed = new X509Certificate(certificate);
      expect([parsed.verify(authority.publicKey), parsed.checkIssued(authority), parsed.ca]).toEqual([
        true,
        true,
        false,
      ]);
    }
    expect(authority.ca).toBe(true);
    expect(new X509Certificate(other.certificate).checkHost(nameOfRole('session-manager'))).toBeDefined();
    expect(new X509Certificate(one.certificate).checkHost(nameOfRole('gateway'))).toBeUndefined();
    expect(issueCredentials(randomBytes(32), ['api']).ca).not.toBe(one.ca);
  });
});

describe('the internal port', () => {
  test('a role of the site asks and is answered, and hears a refusal in its own words', async () => {
    const peer = peerAt(port.url, issueCredentials(seed, ['api']));
    expect(await peer.ask({ method: 'GET', path: '/echo/a?b=c' }, asked)).toEqual({ path: '/a?b=c' });
    await expect(peer.ask({ method: 'GET', path: '/echo/refused' }, asked)).rejects.toMatchObject({
      code: 'conflict',
      message: 'Not like this.',
    });
    await expect(peer.ask({ method: 'GET', path: '/nothing' }, asked)).rejects.toMatchObject({ code: 'not_found' });
    await expect(peer.ask({ method: 'GET', path: '/constructor' }, asked)).rejects.toMatchObject({ code: 'not_found' });
  });

  test('nobody is answered without a certificate, with that of another site, or without TLS', async () => {
    const { ca } = issueCredentials(seed, ['api']);
    const answered = (begin: () => ReturnType<typeof tlsRequest>): Promise<number | string> =>
      new Promise((resolve) => {
        const outgoing = begin();
        outgoing.once('response', (answer) => resolve(answer.statusCode ?? 0));
        outgoing.once('error', (error) => resolve((error as NodeJS.ErrnoException).code ?? error.message));
        outgoing.end();
      });
    const url = new URL('/echo/x', port.url);
    const foreign = issueCredentials(randomBytes(32), ['api']);
    const named = { ca, servername: nameOfRole('gateway') };
    const answers = [
      await answered(() => tlsRequest(url, named)),
      await answered(() => tlsRequest(url, { ...named, cert: foreign.certificate, key: foreign.key })),
      await answered(() => plainRequest(`http://${url.host}/echo/x`)),
    ];
    for (const answer of answers) expect(typeof answer, String(answer)).toBe('string');
    expect(heard).toEqual([]);
    // The port goes on.
    await peerAt(port.url, issueCredentials(seed, ['api'])).ask({ method: 'GET', path: '/echo/x' }, asked);
  });

  test('a role that is asked must be that role, of this site', async () => {
    const credentials = issueCredentials(seed, ['api']);
    const manager = peerAt(port.url, credentials, 'session-manager');
    await expect(manager.ask({ method: 'GET', path: '/echo/x' }, asked)).rejects.toMatchObject({ code: 'unavailable' });
    const foreign = await openPort(issueCredentials(randomBytes(32), ['gateway']));
    await expect(peerAt(foreign.url, credentials).ask({ method: 'GET', path: '/echo/x' }, asked)).rejects.toMatchObject(
      { code: 'unavailable' },
    );
    await foreign.close();
    await expect(peerAt(foreign.url, credentials).ask({ method: 'GET', path: '/echo/x' }, asked)).rejects.toMatchObject(
      { code: 'unavailable' },
    );
    expect(heard).toEqual([]);
  });

  test('who asks on behalf of a request says which, and the lines of the one that is asked bear its id', async () => {
    const [here, there] = [createLogContext(), createLogContext()];
    const ids: unknown[] = [];
    const own = await openInternalPort({
      ...{ host: '127.0.0.1', port: 0, credentials: issueCredentials(seed, ['gateway']), log, logContext: there },
      services: {
        echo: {
          async request(path, _request, response) {
            ids.push(there.fields().requestId);
            response.end(JSON.stringify({ path }));
          },
        },
      },
    });
    const credentials = issueCredentials(seed, ['api']);
    const peer = createPeer({
      ...{ role: 'gateway', url: own.url, credentials, named: true, timeoutMs: 2_000, logContext: here },
    });
    peers.push(peer);
    const ask = () => peer.ask({ method: 'GET', path: '/echo/x' }, asked);
    await here.run({ requestId: 'id-of-a-request' }, ask);
    await ask();
    expect(ids).toEqual(['id-of-a-request', expect.stringMatching(/^[\da-f-]{36}$/)]);
    peer.close();
    await own.close();
  });

  test('given files win, and name hosts', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'rc-internal-'));
    try {
      const at = (name: string): string => join(folder, name);
      const company = issueCredentials(randomBytes(32), ['localhost'], (name) => name);
      writeFileSync(at('c.pem'), company.certificate);
      writeFileSync(at('k.pem'), company.key);
      writeFileSync(at('ca.pem'), company.ca);
      const files = { certificate: at('c.pem'), key: at('k.pem'), ca: at('ca.pem') };
      const site = { derive: () => seed, roles: ['gateway'] };
      const given = await loadCredentials(files, site);
      const own = await openPort(given.credentials);
      const { url } = own;
      const peer = peerAt(url.replace('127.0.0.1', 'localhost'), given.credentials, 'gateway', given.named);
      expect(await peer.ask({ method: 'GET', path: '/echo/y' }, asked)).toEqual({ path: '/y' });
      const elsewhere = peerAt(url, given.credentials, 'gateway', given.named);
      await expect(elsewhere.ask({ method: 'GET', path: '/echo/y' }, asked)).rejects.toMatchObject({
        code: 'unavailable',
      });
      const stranger = peerAt(own.url, issueCredentials(seed, ['api']));
      await expect(stranger.ask({ method: 'GET', path: '/echo/y' }, asked)).rejects.toThrow();
      await own.close();
      writeFileSync(at('k.pem'), 'no key');
      await expect(loadCredentials(files, site)).rejects.toThrow(/server\.internal/);
      await expect(loadCredentials({ ...files, ca: at('none') }, site)).rejects.toThrow(/server\.internal\.ca/);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

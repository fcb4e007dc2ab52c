import { describe, expect, it } from 'vitest';

import {
  allRoutes,
  AppError,
  addressOf,
  closeCodeOf,
  createClient,
  decodeTerminalFrame,
  encodeTerminalFrame,
  errorCodes,
  errorTable,
  frameKind,
  openApiDocument,
  rootRoutes,
  routes,
  treePath,
  type TerminalId,
} from './index.js';

const terminal = '7b0e6c3a-52d1-4a55-9f0e-0c1d2e3f4a5b' as TerminalId;

describe('the route table', () => {
  it('has unique ids and unique pairs of method and path, sockets apart', () => {
    const ids = allRoutes.map((route) => route.id);
    expect(new Set(ids).size).toBe(ids.length);
    const addresses = allRoutes
      .filter((route) => route.kind !== 'socket')
      .map((route) => `${route.method} ${route.path}`);
    expect(new Set(addresses).size).toBe(addresses.length);
  });

  it('names an audit action for every mutation', () => {
    const silent = allRoutes.filter(
      (route) => !['GET', 'HEAD', 'OPTIONS'].includes(route.method) && route.audit === null,
    );
    expect(silent.map((route) => route.id)).toEqual([]);
  });

  it('declares each parameter of its path', () => {
    for (const route of allRoutes) {
      const named = [...route.path.matchAll(/:(\w+)|(\*)/g)].map(([, name, rest]) => name ?? rest);
      expect(Object.keys(route.params?.shape ?? {}).sort(), route.id).toEqual(named.sort());
    }
  });

  it('says not_found wherever a session is named', () => {
    const silent = allRoutes.filter(
      (route) => route.path.includes('/sessions/:id') && !route.errors.includes('not_found'),
    );
    expect(silent.map((route) => route.id)).toEqual([]);
  });
});

describe('the OpenAPI document', () => {
  const document = openApiDocument({ version: '1.2.3', basePath: '/' }) as {
    openapi: string;
    paths: Record<string, Record<string, { operationId: string; parameters: { name: string; in: string }[] }>>;
    'x-sockets': Record<string, unknown>;
    'x-messages': { toServer: { oneOf?: unknown[]; anyOf?: unknown[] } };
  };

  it('holds every route once, and the sockets beside them', () => {
    const operations = Object.values(document.paths).flatMap((path) =>
      Object.values(path).map((operation) => operation.operationId),
    );
    expect(operations.sort()).toEqual(
      [...allRoutes, ...Object.values(rootRoutes)]
        .filter((route) => route.kind !== 'socket')
        .map((route) => route.id)
        .sort(),
    );
    expect(Object.keys(document['x-sockets'])).toHaveLength(4);
  });

  it('is JSON through and through', () => {
    expect(JSON.parse(JSON.stringify(document))).toEqual(document);
  });

  it('describes path parameters in the form of OpenAPI', () => {
    const operation = document.paths['/sessions/{id}/files/{path}']?.['get'];
    expect(
      operation?.parameters.filter((parameter) => parameter.in === 'path').map((parameter) => parameter.name),
    ).toEqual(['id', 'path']);
  });
});

describe('the client', () => {
  const id = '11111111-1111-4111-8111-111111111111';

  it('encodes each path segment of a file and leaves the slashes', () => {
    expect(addressOf(routes.files.get, { params: { id, '*': 'a b/ü#?.txt' } })).toBe(
      `/sessions/${id}/files/a%20b/%C3%BC%23%3F.txt`,
    );
  });

  it('leaves out what is undefined in a query', () => {
    expect(addressOf(routes.sessions.list, { query: { search: 'x y', cursor: undefined } })).toBe(
      '/sessions?search=x%20y',
    );
  });

  const answering = (status: number, text: string) =>
    createClient({
      baseUrl: 'http://x/api',
      fetch: async () => ({ ok: status < 400, status, headers: { get: () => null }, text: async () => text }),
    });

  it('throws the error that the server names', async () => {
    const body = JSON.stringify({ error: { code: 'session_limit', message: 'Five is enough.', details: { max: 5 } } });
    const error = await answering(409, body)
      .call(routes.sessions.create, { body: {} })
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(AppError);
    expect(error).toMatchObject({ code: 'session_limit', message: 'Five is enough.', details: { max: 5 } });
  });

  it('makes an error of a page that a proxy answered', async () => {
    await expect(answering(502, '<html>').call(routes.auth.about, {})).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('says unavailable where nothing answers', async () => {
    const client = createClient({ baseUrl: 'http://x/api', fetch: () => Promise.reject(new TypeError('refused')) });
    await expect(client.call(routes.auth.about, {})).rejects.toMatchObject({ code: 'unavailable' });
  });
});

describe('a client that repeats', () => {
  /** Answers of the network in their order: a status, or null for none. */
  const repeating = (...answers: (number | null)[]) => {
    const keys: (string | undefined)[] = [];
    let made = 0;
    const client = createClient({
      baseUrl: 'http://x/api',
      async fetch(_url, init) {
        keys.push(init.headers['idempotency-key']);
        await Promise.resolve();
        const status = answers.shift() ?? null;
        if (status === null) throw new TypeError('broken');
        const text = status === 200 ? '{"ok":true}' : '<html>';
        return { ok: status < 400, status, headers: { get: () => null }, text: async () => text };
      },
      repeats: { newKey: () => `key-${(made += 1)}`, pausesMs: [1, 2], wait: () => Promise.resolve() },
    });
    const form = client.form();
    return {
      keys,
      act: () => client.call(routes.auth.logout, {}),
      submit: () => form.call(routes.auth.logout, {}),
      look: () => client.call(routes.auth.about, {}),
    };
  };

  it('sends an act again under its key until an answer comes, and the next under another', async () => {
    const { keys, act } = repeating(null, null, 200, 200);
    await act();
    await act();
    expect(keys).toEqual(['key-1', 'key-1', 'key-1', 'key-2']);
  });

  it('takes equal acts for as many as they are, also where one before has no answer', async () => {
    const { keys, act } = repeating(200, 200, null, null, null, 200);
    await Promise.all([act(), act()]);
    await expect(act()).rejects.toMatchObject({ code: 'unavailable' });
    await act();
    expect(keys).toEqual(['key-1', 'key-2', 'key-3', 'key-3', 'key-3', 'key-4']);
  });

  it('takes a double click on a form for one act', async () => {
    const { keys, submit } = repeating(200);
    expect(await Promise.all([submit(), submit(), submit()])).toEqual([{ ok: true }, { ok: true }, { ok: true }]);
    expect(keys).toEqual(['key-1']);
  });

  it('keeps the key of a form whose outcome is open, for whoever tries again', async () => {
    const { keys, submit } = repeating(null, null, null, 502, 200, 409, 200);
    await expect(submit()).rejects.toMatchObject({ code: 'unavailable' });
    await expect(submit()).rejects.toMatchObject({ code: 'unavailable' });
    await submit();
    await expect(submit()).rejects.toMatchObject({ code: 'bad_request' });
    await submit();
    expect(keys).toEqual([...Array<string>(5).fill('key-1'), 'key-2', 'key-3']);
  });

  it('sends what only looks once, without a key', async () => {
    const { keys, look } = repeating(null);
    await expect(look()).rejects.toMatchObject({ code: 'unavailable' });
    expect(keys).toEqual([undefined]);
  });
});

describe('terminal frames', () => {
  it('come back as they went', () => {
    const bytes = Uint8Array.from([0, 255, 27, 10]);
    const frame = encodeTerminalFrame({ kind: frameKind.output, terminalId: terminal, position: 2 ** 40 + 7, bytes });
    expect(decodeTerminalFrame(frame)).toEqual({ kind: 1, terminalId: terminal, position: 2 ** 40 + 7, bytes });
  });

  it('are found within a larger buffer', () => {
    const frame = encodeTerminalFrame({
      kind: frameKind.input,
      terminalId: terminal,
      position: 3,
      bytes: Uint8Array.from([65]),
    });
    const larger = new Uint8Array(frame.length + 10);
    larger.set(frame, 5);
    expect(decodeTerminalFrame(larger.subarray(5, 5 + frame.length))?.position).toBe(3);
  });

  it.each([
    ['empty', new Uint8Array(0)],
    ['short', new Uint8Array(24)],
    ['unknown kind', Uint8Array.from({ length: 30 }, () => 9)],
    ['a position beyond exact numbers', Uint8Array.from({ length: 30 }, (_, index) => (index === 0 ? 1 : 255))],
  ])('are null for %s', (_name, frame) => {
    expect(decodeTerminalFrame(frame)).toBeNull();
  });
});

describe('the error table', () => {
  it('gives each code a status of an error and a sentence', () => {
    for (const code of errorCodes) {
      expect(errorTable[code].status).toBeGreaterThanOrEqual(400);
      expect(errorTable[code].message).toMatch(/^[A-Z].*\.$/);
      expect(closeCodeOf(code)).toBeLessThan(5000);
    }
  });

  it('carries details beside the message, and not twice', () => {
    const payload = new AppError('rate_limited', { message: 'Wait.', retryAfterMs: 5 }).toPayload('r1');
    expect(payload).toEqual({ code: 'rate_limited', message: 'Wait.', details: { retryAfterMs: 5 }, requestId: 'r1' });
  });
});

describe('paths of a work tree', () => {
  it.each(['', 'a', 'a/b.txt', '...', 'a..b/c', ' '])('takes %j', (path) => {
    expect(treePath.safeParse(path).success).toBe(true);
  });
  it.each(['/etc/passwd', '..', 'a/../b', 'a/..', './a', 'a\0b', 'x'.repeat(5_000)])('refuses %j', (path) => {
    expect(treePath.safeParse(path).success).toBe(false);
  });
});

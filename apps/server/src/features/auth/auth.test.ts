import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { createFakeClock } from '../../testing/fake-clock.js';
import { createTestApp, type TestApp } from '../../testing/http.js';
import { createTestDatabase, type TestDatabase } from '../../testing/postgres.js';

const admin = { email: 'ada@example.org', name: 'Ada', password: 'a long enough one' };
const member = { email: 'bob@example.org', name: 'Bob', password: 'another long one' };
const clock = createFakeClock();

let folder: string;
let testDatabase: TestDatabase;
let server: TestApp;
let adminCookie: string;

const cookieOf = (answer: { cookies: { name: string; value: string }[] }): string =>
  answer.cookies.map(({ name, value }) => `${name}=${value}`).join('; ');

const login = (person: { email: string; password: string }, session: 'cookie' | 'token' = 'cookie') =>
  server.inject('POST', '/auth/login', { body: { email: person.email, password: person.password, session } });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rc-auth-'));
  testDatabase = await createTestDatabase();
  server = await createTestApp({ testDatabase, clock, setupTokenPath: join(folder, 'setup-token') });
});
afterAll(async () => {
  await server?.close();
  await testDatabase?.close();
  await rm(folder, { recursive: true, force: true });
});

describe('the first run', () => {
  it('refuses a wrong token, takes the right one once, and signs the admin in', async () => {
    const token = await server.setupToken.ensure();
    const wrong = await server.inject('POST', '/auth/setup', { body: { token: `${token}x`, ...admin } });
    expect([wrong.statusCode, wrong.json().error.code]).toEqual([401, 'setup_token_wrong']);

    const made = await server.inject('POST', '/auth/setup', { body: { token, ...admin } });
    expect([made.statusCode, made.json().user.role]).toEqual([201, 'admin']);
    adminCookie = cookieOf(made);
    expect(made.body).not.toContain('password');

    const again = await server.inject('POST', '/auth/setup', { body: { token, ...member } });
    expect([again.statusCode, again.json().error.code]).toEqual([409, 'setup_done']);
  });

  it('gives the cookie to scripts of no page', async () => {
    const cookie = (await login(admin)).cookies[0];
    expect(cookie).toMatchObject({ name: 'rc_login', httpOnly: true, sameSite: 'Strict', path: '/' });
  });
});

describe('people', () => {
  it('are added and listed by admins alone', async () => {
    const headers = { cookie: adminCookie };
    const made = await server.inject('POST', '/users', { headers, body: member });
    expect(made.statusCode).toBe(201);
    const twice = await server.inject('POST', '/users', { headers, body: { ...member, email: 'BOB@example.org' } });
    expect(twice.json().error.code).toBe('already_exists');
    const first = await server.inject('GET', '/users?limit=1', { headers });
    const second = await server.inject('GET', `/users?limit=1&cursor=${first.json().nextCursor}`, { headers });
    expect([...first.json().items, ...second.json().items].map((user: { name: string }) => user.name)).toEqual([
      'Ada',
      'Bob',
    ]);

    const bob = { cookie: cookieOf(await login(member)) };
    expect((await server.inject('GET', '/users', { headers: bob })).statusCode).toBe(403);
    expect((await server.inject('POST', '/users', { headers: bob, body: member })).statusCode).toBe(403);
    expect((await server.inject('GET', '/users')).statusCode).toBe(401);
  });

  it('keep one admin', async () => {
    const headers = { cookie: adminCookie };
    const { id } = (await server.inject('GET', '/auth/user', { headers })).json().user;
    const demoted = await server.inject('PATCH', `/users/${id}`, { headers, body: { role: 'member' } });
    expect([demoted.statusCode, demoted.json().error.code]).toEqual([409, 'conflict']);
  });

  it('lose every sign-in when they are disabled', async () => {
    const bob = { cookie: cookieOf(await login(member)) };
    const headers = { cookie: adminCookie };
    const { id } = (await server.inject('GET', '/auth/user', { headers: bob })).json().user;
    expect((await server.inject('PATCH', `/users/${id}`, { headers, body: { disabled: true } })).statusCode).toBe(200);
    expect((await server.inject('GET', '/auth/user', { headers: bob })).statusCode).toBe(401);
    expect((await login(member)).json().error.code).toBe('wrong_credentials');
    expect((await server.inject('PATCH', `/users/${id}`, { headers, body: { disabled: false } })).statusCode).toBe(200);
  });
});

describe('signing in', () => {
  it('answers the same for a wrong password and an unknown person', async () => {
    const wrong = await login({ ...admin, password: 'not the password' });
    const unknown = await login({ email: 'nobody@example.org', password: 'not the password' });
    const { requestId: _a, ...first } = wrong.json().error;
    const { requestId: _b, ...second } = unknown.json().error;
    expect([wrong.statusCode, first]).toEqual([unknown.statusCode, second]);
  });

  it('slows guessing down, for that account from that address', async () => {
    const answers = [];
    for (let attempt = 0; attempt < 7; attempt += 1)
      answers.push(await login({ email: 'eve@example.org', password: 'guess guess guess' }));
    const last = answers.at(-1);
    expect(last?.statusCode).toBe(429);
    expect(Number(last?.headers['retry-after'])).toBeGreaterThan(0);
    expect((await login(admin)).statusCode).toBe(200);
  });

  it('gives programs a token that ends with logout', async () => {
    const { token } = (await login(admin, 'token')).json();
    const headers = { authorization: `Bearer ${token}` };
    expect((await server.inject('GET', '/auth/user', { headers })).json().user.email).toBe(admin.email);
    expect((await server.inject('POST', '/auth/logout', { headers })).statusCode).toBe(200);
    expect((await server.inject('GET', '/auth/user', { headers })).statusCode).toBe(401);
  });

  it('takes a cookie’s value for no token', async () => {
    const value = adminCookie.split('=')[1] ?? '';
    expect(
      (await server.inject('GET', '/auth/user', { headers: { authorization: `Bearer ${value}` } })).statusCode,
    ).toBe(401);
  });

  it('replaces an old cookie, and honours it for its grace only', async () => {
    const old = cookieOf(await login(admin));
    clock.advance(3_700_000);
    const answer = await server.inject('GET', '/auth/user', { headers: { cookie: old } });
    const renewed = cookieOf(answer);
    expect(renewed).not.toBe(old);
    clock.advance(61_000);
    expect((await server.inject('GET', '/auth/user', { headers: { cookie: old } })).statusCode).toBe(401);
    expect((await server.inject('GET', '/auth/user', { headers: { cookie: renewed } })).statusCode).toBe(200);
    adminCookie = renewed;
  });

  it('is not replaced by a socket, which could not carry the new cookie', async () => {
    const cookie = cookieOf(await login(admin));
    clock.advance(3_700_000);
    const value = cookie.split('=')[1] ?? '';
    expect((await server.auth.resolve(value, { mayRotate: false }))?.renewed).toBeNull();
    clock.advance(120_000);
    expect((await server.inject('GET', '/auth/user', { headers: { cookie } })).statusCode).toBe(200);
  });

  it('is told as ended also where the news of it was lost', async () => {
    const { token } = (await login(admin, 'token')).json();
    const found = await server.auth.resolve(token, { mayRotate: false });
    const loginId = found?.actor.loginId ?? '';
    const ended: string[] = [];
    const stop = server.auth.onRevoked(
      (id) => ended.push(id),
      () => [loginId],
    );
    await testDatabase.database.db.deleteFrom('logins').where('login_id', '=', loginId).execute();
    await testDatabase.cutConnections();
    await expect.poll(() => ended, { timeout: 20_000 }).toContain(loginId);
    stop();
  });

  it('stores no token and no password', async () => {
    const { token } = (await login(admin, 'token')).json();
    const rows = await testDatabase.database.db.selectFrom('logins').selectAll().execute();
    expect(rows.length).toBeGreaterThan(0);
    expect(JSON.stringify(rows)).not.toContain(token);
    const users = await testDatabase.database.db.selectFrom('users').select('password_hash').execute();
    for (const { password_hash: hash } of users) expect(hash).toMatch(/^\$argon2id\$/);
  });
});

describe('what a foreign page could send', () => {
  const body = { email: admin.email, password: admin.password };
  const refused: [string, Record<string, string>][] = [
    ['a foreign Origin', { origin: 'https://evil.example' }],
    ['a null Origin', { origin: 'null' }],
    ['another port', { origin: 'http://localhost:9999' }],
    ['a foreign Host', { host: 'evil.example:3000', origin: 'http://evil.example:3000' }],
    ['a Host that rebinds', { host: 'rebind.example', origin: 'http://localhost:3000' }],
  ];
  it.each(refused)('is refused: %s', async (_name, headers) => {
    const answer = await server.inject('POST', '/auth/login', { headers, body });
    expect([answer.statusCode, answer.json().error.code]).toEqual([403, 'origin_refused']);
  });

  it('is refused without any word on where it comes from, but for a bearer token', async () => {
    const bare = await server.app.inject({
      method: 'POST',
      url: '/api/auth/logout',
      headers: { host: 'localhost:3000', cookie: adminCookie },
    });
    expect(bare.json().error.code).toBe('origin_refused');
    const { token } = (await login(admin, 'token')).json();
    const program = await server.app.inject({
      method: 'POST',
      url: '/api/auth/logout',
      headers: { host: 'localhost:3000', authorization: `Bearer ${token}` },
    });
    expect(program.statusCode).toBe(200);
  });

  it('is not read as JSON when it is a form', async () => {
    const form = await server.app.inject({
      method: 'POST',
      url: '/api/auth/login',
      headers: { host: 'localhost:3000', origin: 'http://localhost:3000', 'content-type': 'text/plain' },
      payload: JSON.stringify(body),
    });
    expect([form.statusCode, form.json().error.code]).toEqual([415, 'unsupported_media']);
  });
});

describe('bad input', () => {
  it.each([
    ['malformed JSON', '{"email":', 400, 'bad_request'],
    ['a list', '[]', 400, 'validation_failed'],
    ['an unknown field', JSON.stringify({ email: 'a@b.cd', password: 'x', admin: true }), 400, 'validation_failed'],
    ['too much', JSON.stringify({ email: 'x'.repeat(200_000) }), 413, 'payload_too_large'],
  ])('is named: %s', async (_name, payload, status, code) => {
    const answer = await server.app.inject({
      method: 'POST',
      url: '/api/auth/login',
      headers: { host: 'localhost:3000', origin: 'http://localhost:3000', 'content-type': 'application/json' },
      payload,
    });
    expect([answer.statusCode, answer.json().error.code]).toEqual([status, code]);
    expect(answer.json().error.requestId).toBe(answer.headers['x-request-id']);
  });

  it('has security headers even on what is not there', async () => {
    const answer = await server.inject('GET', '/nothing');
    expect(answer.statusCode).toBe(404);
    expect(answer.headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'x-frame-options': 'DENY' });
    expect(answer.headers['content-security-policy']).toContain("frame-ancestors 'none'");
  });
});

import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isMap, parseDocument } from 'yaml';
import { readFileSync } from 'node:fs';
import { createTestConfig } from '../../testing/config.js';
import { ConfigError, readConfig } from './config.js';
import { loadConfig, type ConfigSources } from './load.js';
import { laterKeys, sections } from './schema.js';

const aKey = randomBytes(32).toString('base64');
/** What roles apart have in common. */
const shared = `database: { url: "postgres://x/y" }\nsecurity: { masterKey: "${aKey}" }`;
const documented = fileURLToPath(new URL('../../../../../config/remote-claude.yaml', import.meta.url));

const load = (text: string, env: ConfigSources['env'] = {}, flags: ConfigSources['flags'] = {}) =>
  loadConfig({ file: { path: 'site.yaml', text }, env, flags, readSecretFile: (path) => readFileSync(path, 'utf8') });

function problemsOf(run: () => unknown): string[] {
  try {
    run();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message
      .split('\n')
      .slice(1)
      .map((line) => line.trim());
  }
  return [];
}

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'rc-config-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('defaults', () => {
  test('the documented file holds exactly the defaults', () => {
    expect(readConfig({ config: documented }, {})).toEqual(readConfig({}, {}));
  });

  test('the documented file names every key there is', () => {
    const keysOf = (value: unknown, path: string): string[] =>
      isMap(value) ? value.items.flatMap((item) => keysOf(item.value, `${path}.${String(item.key)}`)) : [path];
    const inFile = keysOf(parseDocument(readFileSync(documented, 'utf8')).contents, '');
    const leaves = (value: unknown, path: string): string[] => {
      const isBranch =
        typeof value === 'object' && value !== null && !Array.isArray(value) && !('ms' in value) && !('bytes' in value);
      return isBranch ? Object.entries(value).flatMap(([key, child]) => leaves(child, `${path}.${key}`)) : [path];
    };
    const inSchema = Object.entries(sections).flatMap(([name, schema]) => leaves(schema.parse({}), `.${name}`));
    expect(inFile.sort()).toEqual(inSchema.sort());
  });

  test('units are in the names, and nothing can be changed', () => {
    const config = readConfig({}, {});
    expect(config.sessions).toEqual({
      maxPerUser: 5,
      idleTimeoutMs: 30 * 60_000,
      maxDurationMs: 8 * 3_600_000,
      stopGraceMs: 600_000,
      orphanTimeoutMs: 3_600_000,
    });
    expect(config.server.maxBodyBytes).toBe(1_048_576);
    expect(config.server.publicUrl).toBeNull();
    expect(() => Object.assign(config.compute.limits, { cpus: 1 })).toThrow(TypeError);
    expect(() => (config.server.roles as string[]).push('x')).toThrow(TypeError);
  });

  test('tests run at a tenth', () => {
    const config = createTestConfig({ sessions: { maxPerUser: 2 }, timing: { ticket: '5s' } });
    expect(config.timing).toMatchObject({ reconcileMs: 1000, heartbeatTimeoutMs: 2500, ticketMs: 5000 });
    expect(config.sessions.maxPerUser).toBe(2);
  });
});

describe('sources', () => {
  test('flags win over variables, variables over the file', () => {
    const text =
      'server: { port: 4000, host: localhost }\nclaude: { apiKey: from-file }\ndatabase: { url: postgres://file/x }';
    const config = load(
      text,
      { CLAUDE_API_KEY: 'from-variable' },
      { port: '5000', roles: 'gateway,web,api, session-manager' },
    );
    expect(config.server).toMatchObject({
      port: 5000,
      host: 'localhost',
      roles: ['gateway', 'web', 'api', 'session-manager'],
    });
    expect(config.claude.apiKey).toBe('from-variable');
    expect(config.database.url).toBe('postgres://file/x');
  });

  test('a variable is a value and never YAML; numbers and lists can come from one', () => {
    const env = { PORT: '4100', KEY: 'a: {b: [c] # d', ORIGINS: 'https://a.example, https://b.example', EMPTY: '' };
    const config = load(
      'server: { port: "${PORT}", trustedOrigins: "${ORIGINS}", publicUrl: "${EMPTY:-}", host: "${HOST:-localhost}" }\nclaude: { apiKey: "${KEY}" }',
      env,
    );
    expect(config.claude.apiKey).toBe('a: {b: [c] # d');
    expect(config.server).toMatchObject({
      port: 4100,
      publicUrl: null,
      host: 'localhost',
      trustedOrigins: ['https://a.example', 'https://b.example'],
    });
    expect(load('claude: { apiKey: "a$${b}c" }').claude.apiKey).toBe('a${b}c');
  });

  test('a secret comes from the file that NAME_FILE names', () => {
    const path = join(folder, 'key');
    writeFileSync(path, 'sk-from-file\n');
    expect(readConfig({}, { CLAUDE_API_KEY_FILE: path }).claude.apiKey).toBe('sk-from-file');
    expect(load('claude: { apiKey: "${MY_KEY}" }', { MY_KEY_FILE: path }).claude.apiKey).toBe('sk-from-file');
    expect(problemsOf(() => readConfig({}, { CLAUDE_API_KEY_FILE: join(folder, 'none') }))[0]).toMatch(
      /^CLAUDE_API_KEY_FILE: cannot be read/,
    );
    expect(problemsOf(() => readConfig({}, { CLAUDE_API_KEY_FILE: path, CLAUDE_API_KEY: 'x' }))[0]).toMatch(
      /are both set/,
    );
  });

  test('a file that was asked for must be there, a default one need not', () => {
    expect(readConfig({ defaultFile: join(folder, 'none') }, {}).server.port).toBeNull();
    expect(problemsOf(() => readConfig({ config: join(folder, 'none') }, {}))[0]).toMatch(/cannot be read: ENOENT/);
  });
});

describe('refusals', () => {
  test('three mistakes are three lines, each with key, finding and remedy', () => {
    const text = 'server: { port: high }\nsessions: { idleTimeout: 30 minutes, maxPerUsers: 3 }';
    expect(problemsOf(() => load(text))).toEqual([
      'server.port: is "high". It must be a whole number from 0 to 65535.',
      'sessions.idleTimeout: is "30 minutes". It must be a duration of at most a year such as 250ms, 30s, 30m, 8h or 1h30m.',
      'sessions.maxPerUsers: is not a known key. Known in sessions are maxPerUser, idleTimeout, maxDuration, stopGrace, orphanTimeout.',
    ]);
  });

  test('mistakes of every kind are listed together', () => {
    const text = [
      'unknown: {}',
      'auth: { provider: google }',
      'claude: { apiKey: "${NOT_SET}", baseUrl: "ftp://x" }',
      'compute: { isolation: none, limits: { cpus: 0, memory: 1 } }',
      'server: { host: 0.0.0.0 }',
      'security: { encryption: false, masterKey: short }',
      'monitoring: []',
    ].join('\n');
    const problems = problemsOf(() => load(text, { REDIS_URL: 'http://x' }, { roles: 'api,cook' }));
    const starts = [
      'unknown: is not a known section',
      'redis.url: is not of the right form',
      'auth.provider: not supported yet: "google". It must be local',
      'claude.apiKey: the variable NOT_SET is not set',
      'claude.baseUrl: is "ftp://x"',
      'compute.limits.cpus: is 0. It must be a number from 0.1 to 1024',
      'compute.limits.memory: is not a known key. Known in compute.limits are cpus,',
      'server.roles.1: is "cook"',
      'security.encryption: not supported yet: false. It must be true',
      'security.masterKey: is not of the right form',
      'monitoring: is []. It must hold the keys metrics, logging',
    ];
    for (const start of starts)
      expect(problems).toContainEqual(expect.stringMatching(new RegExp(`^${start.replace(/[[\].()]/g, '\\$&')}`)));
    expect(problems).toHaveLength(starts.length);
  });

  test('a site that was configured for more is told all that this version lacks', () => {
    const text = [
      'server: { port: 3000 }',
      'auth:',
      '  provider: google',
      '  oauth: { provider: google, clientId: "${GOOGLE_CLIENT_ID}", clientSecret: "${GOOGLE_CLIENT_SECRET}" }',
      'claude: { apiKey: "${CLAUDE_API_KEY}", model: sonnet }',
      'sessions: { maxPerUser: 5, idleTimeout: 30m, maxDuration: 8h }',
      'storage: { type: s3, s3: { bucket: sessions, region: us-east-1 } }',
      'security: { encryption: true, audit: true, allowedDomains: [company.com] }',
    ].join('\n');
    const variables = { CLAUDE_API_KEY: 'a key', API_URL: 'http://api:4000', CONTAINER_PREFIX: 'claude-session' };
    const later = (key: string) => `${key}: not supported yet: ${key}. Remove it; this version would not act on it.`;
    expect(problemsOf(() => load(text, variables))).toEqual([
      later('auth.oauth'),
      later('security.allowedDomains'),
      later('storage.s3'),
      'auth.provider: not supported yet: "google". It must be local.',
      'storage.type: not supported yet: "s3". It must be local.',
    ]);
  });

  test('API_URL names the api for the web of another process, and nothing below it', () => {
    expect(load('', { API_URL: 'http://api:4000/' }).server.apiUrl).toBe('http://api:4000');
    expect(problemsOf(() => load('server: { apiUrl: "http://api:4000/api" }'))).toEqual([
      'server.apiUrl: is more than a scheme, a host and a port. Leave out the rest: what lies below /api is sent on as it is, with server.basePath before it.',
    ]);
    expect(problemsOf(() => load('server: { apiUrl: "http://name:word@api:4000" }'))[0]).toMatch(
      /^server.apiUrl: is more/,
    );
  });

  test('the token for metrics comes from a variable or a file, and is no short word', () => {
    const token = 'a-token-of-a-site';
    const path = join(folder, 'token');
    writeFileSync(path, `${token}\n`);
    expect(load('', { METRICS_TOKEN: token }).monitoring.metrics).toEqual({ enabled: true, token });
    expect(load('monitoring: { metrics: }', { METRICS_TOKEN_FILE: path }).monitoring.metrics.token).toBe(token);
    expect(load('monitoring: { metrics: { enabled: "false" } }').monitoring.metrics.enabled).toBe(false);
    expect(problemsOf(() => load('monitoring: { metrics: { token: short } }'))).toEqual([
      expect.stringMatching(/^monitoring\.metrics\.token: is not of the right form \(not shown here\)/),
    ]);
    expect(problemsOf(() => load('monitoring: { metrics: 3 }', { METRICS_TOKEN: token }))).toEqual([
      'monitoring.metrics: is 3. It must hold the keys enabled, token.',
    ]);
  });

  test('no message repeats a secret', () => {
    const message = problemsOf(() =>
      load('claude: { apiKey: [canary] }\nsecurity: { masterKey: canary }\ndatabase: { url: "mysql://canary" }'),
    ).join('\n');
    expect(message).toMatch(/claude\.apiKey.*\n.*security\.masterKey|database\.url/);
    expect(message).not.toContain('canary');
  });

  test.each(laterKeys)('%s is refused by name', (key) => {
    const text = key.split('.').reduceRight<unknown>((value, name) => ({ [name]: value }), { some: 1 });
    expect(problemsOf(() => load(JSON.stringify(text)))).toEqual([
      `${key}: not supported yet: ${key}. Remove it; this version would not act on it.`,
    ]);
  });

  test.each([
    [
      'compute: { isolation: none }\nserver: { host: 0.0.0.0 }',
      'compute.isolation: is none while server.host is 0.0.0.0',
    ],
    ['server: { roles: [] }', 'server.roles: '],
    ['server: { roles: [cook] }', 'server.roles.0: is "cook"'],
    [
      `server: { roles: [gateway] }\nsecurity: { masterKey: "${aKey}" }`,
      'database.url: is not set, and this process has the gateway without the api and the session-manager',
    ],
    [
      'server: { roles: [gateway] }\ndatabase: { url: "postgres://x/y" }',
      'security.masterKey: is not set, and this process has the gateway without',
    ],
    [
      `server: { roles: [session-manager] }\n${shared}`,
      'server.internal.gatewayUrl: is not set, and the session-manager cannot do without the gateway',
    ],
    [
      `server: { roles: [api, gateway], publicUrl: "https://x.org" }\n${shared}`,
      'server.internal.sessionManagerUrl: is not set, and the api cannot do without the session-manager',
    ],
    [
      `server: { roles: [api], internal: { gatewayUrl: "https://g:1", sessionManagerUrl: "https://s:1" } }\n${shared}`,
      'server.publicUrl: is not set, and this process has the api without the web',
    ],
    [
      `server: { roles: [gateway], internal: { certificate: /c.pem, key: /k.pem } }\n${shared}`,
      'server.internal.ca: is not set, while others',
    ],
    ['server: { internal: { gatewayUrl: "http://g:1" } }', 'server.internal.gatewayUrl: is "http://g:1"'],
    ['claude: { model: other }', 'claude.model: is other, which claude.models does not list'],
    ['compute: { capacity: 0 }', 'compute.capacity: is 0. It must be a whole number from 1'],
    ['compute: { request: { cpus: 5 } }', 'compute.request.cpus: is more than compute.limits.cpus'],
    ['compute: { uidRange: { first: 49000 } }', 'database.embeddedUid: lies in compute.uidRange'],
    ['timing: { heartbeat: 25s }', 'timing.heartbeat: is not shorter'],
    ['a: [', 'site.yaml: '],
    ['server: 3', 'server: is 3. It must hold the keys host'],
    ['just text', 'site.yaml: it holds no keys'],
    ['server: { host: "${" }', 'server.host: ${ is not a variable'],
    ['sessions: { idleTimeout: 400d }', 'sessions.idleTimeout: is "400d"'],
    [
      'a: &a [x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]\nc: [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b]',
      'site.yaml: ',
    ],
  ])('%s', (text, start) => {
    const problems = problemsOf(() => load(text));
    expect(problems[0]?.slice(0, start.length)).toBe(start);
    if (!text.startsWith('a:')) expect(problems).toHaveLength(1);
  });

  test('roles apart are taken with what they need, and the web needs nothing', () => {
    expect(load('server: { roles: [web] }').server.roles).toEqual(['web']);
    expect(load(`server: { roles: [gateway] }\n${shared}`).server.internal.port).toBe(4443);
    expect(
      load('server: { roles: [api, session-manager, gateway], publicUrl: "https://x.org" }').database.url,
    ).toBeNull();
  });

  test('isolation none is taken on loopback, and a master key of the right size', () => {
    for (const host of ['127.0.0.1', 'localhost', '"::1"']) {
      expect(load(`compute: { isolation: none }\nserver: { host: ${host} }`).compute.isolation).toBe('none');
    }
    const key = randomBytes(32).toString('base64');
    expect(load(`security: { masterKey: "${key}" }`).security.masterKey).toBe(key);
  });
});

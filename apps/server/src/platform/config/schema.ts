// Every key of the configuration with its default. config/remote-claude.yaml explains them; a test holds both together.

import { z } from 'zod';
import { parseMasterKey } from '../master-key.js';
import {
  address,
  always,
  choice,
  decimal,
  duration,
  listOf,
  matching,
  optional,
  size,
  text,
  wholeNumber,
  yesOrNo,
} from './values.js';

export const roles = ['web', 'api', 'session-manager', 'gateway'] as const;
export type Role = (typeof roles)[number];

const server = z.strictObject({
  host: text('a host name or address').prefault('127.0.0.1'),
  port: optional(wholeNumber(0, 65_535)),
  basePath: matching(/^\/$|^(\/[\w.~-]+)+$/, 'a path such as / or /claude, without a slash at its end').prefault('/'),
  publicUrl: optional(address('http', 'https')),
  apiUrl: optional(address('http', 'https')),
  trustedOrigins: listOf(address('http', 'https')).prefault([]),
  trustedProxies: listOf(matching(/^[0-9a-f.:]+(\/\d{1,3})?$/i, 'an address or a range such as 10.0.0.0/8')).prefault(
    [],
  ),
  roles: listOf(choice(roles), 1).prefault([...roles]),
  internal: z
    .strictObject({
      host: text('a host name or address').prefault('127.0.0.1'),
      port: wholeNumber(0, 65_535).prefault(4443),
      gatewayUrl: optional(address('https')),
      sessionManagerUrl: optional(address('https')),
      certificate: optional(text('a path')),
      key: optional(text('a path')),
      ca: optional(text('a path')),
    })
    .prefault({}),
  dataDir: optional(text('a path')),
  maxBody: size().prefault('1MiB'),
  maxUpload: size().prefault('10GiB'),
});

const database = z.strictObject({
  url: optional(address('postgres', 'postgresql')),
  poolSize: wholeNumber(3, 90).prefault(10),
  embeddedUid: wholeNumber(1, 2 ** 31 - 1).prefault(49_999),
});

const redis = z.strictObject({ url: optional(address('redis', 'rediss')) });

const auth = z.strictObject({
  provider: choice(
    ['local'],
    ['oauth', 'oidc', 'google', 'github', 'gitlab', 'microsoft', 'saml', 'ldap', 'header'],
  ).prefault('local'),
  lifetime: duration().prefault('30d'),
  rotateAfter: duration().prefault('1h'),
  attempts: z
    .strictObject({
      perAddress: wholeNumber(1, 1_000_000).prefault(60),
      perAccount: wholeNumber(1, 1_000_000).prefault(10),
      window: duration().prefault('15m'),
    })
    .prefault({}),
});

const claude = z.strictObject({
  apiKey: optional(text('a key')),
  baseUrl: address('http', 'https').prefault('https://api.anthropic.com'),
  model: text('the name of a model').prefault('sonnet'),
  models: listOf(text('the name of a model')).prefault(['opus', 'sonnet', 'haiku']),
});

const sessions = z.strictObject({
  maxPerUser: wholeNumber(1, 10_000).prefault(5),
  idleTimeout: duration().prefault('30m'),
  maxDuration: duration().prefault('8h'),
  stopGrace: duration().prefault('10m'),
  orphanTimeout: duration().prefault('1h'),
});

const compute = z.strictObject({
  driver: choice(['process', 'docker'], ['kubernetes', 'ecs']).prefault('process'),
  isolation: choice(['bubblewrap', 'none']).prefault('bubblewrap'),
  dataDir: optional(text('a path')),
  capacity: optional(wholeNumber(1, 1_000_000)),
  uidRange: z
    .strictObject({
      first: wholeNumber(1000, 2 ** 31 - 1).prefault(50_000),
      count: wholeNumber(1, 1_000_000).prefault(5000),
    })
    .prefault({}),
  image: text('the name of an image').prefault('remote-claude/session:latest'),
  images: listOf(
    matching(/^[A-Za-z0-9*][A-Za-z0-9*._:/@-]{0,299}$/, 'the name of an image, in which * stands for anything'),
  ).prefault([]),
  containerPrefix: matching(
    /^[a-z0-9][a-z0-9_.-]{0,40}$/,
    'at most 41 small letters, digits, dots, dashes or underscores',
  ).prefault('claude-session'),
  docker: z
    .strictObject({
      host: address('unix', 'tcp').prefault('unix:///var/run/docker.sock'),
      ca: optional(text('a path')),
      certificate: optional(text('a path')),
      key: optional(text('a path')),
      socketDir: optional(text('a path')),
      user: matching(/^[1-9]\d{0,8}:[1-9]\d{0,8}$/, 'a user id and a group id above 0, as 1000:1000').prefault(
        '1000:1000',
      ),
    })
    .prefault({}),
  request: z
    .strictObject({
      cpus: optional(decimal(0.1, 1024)),
      memoryMb: optional(wholeNumber(512, 16_777_216)),
    })
    .prefault({}),
  limits: z
    .strictObject({
      cpus: decimal(0.1, 1024).prefault(4),
      memoryMb: wholeNumber(512, 16_777_216).prefault(8192),
      processes: wholeNumber(64, 1_000_000).prefault(512),
      openFiles: wholeNumber(256, 1_048_576).prefault(65_536),
    })
    .prefault({}),
});

const security = z.strictObject({
  encryption: always().prefault(true),
  audit: always().prefault(true),
  container: z
    .strictObject({
      runtime: matching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'the name of a runtime such as runc or runsc').prefault(
        'runc',
      ),
      seccomp: optional(text('a path')),
      apparmor: optional(
        matching(/^(?!unconfined$)[\w./-]{1,200}$/, 'the name of a profile; sessions are never unconfined'),
      ),
      capabilities: listOf(
        matching(
          /(?!)/,
          'nothing: a session is not root and gains no privileges, so that a capability would do nothing',
        ),
      ).prefault([]),
    })
    .prefault({}),
  masterKey: optional(
    matching(/^[\w+/=-]+\s*$/, '32 bytes in base64').refine(
      (key) => parseMasterKey(key) !== undefined,
      'must be 32 bytes in base64',
    ),
  ),
});

const monitoring = z.strictObject({
  metrics: z
    .strictObject({
      enabled: yesOrNo().prefault(true),
      token: optional(matching(/^[!-~]{16,512}$/, 'at least 16 characters without spaces')),
    })
    .prefault({}),
  logging: z
    .strictObject({
      level: choice(['debug', 'info', 'warn', 'error']).prefault('info'),
      destinations: listOf(choice(['console', 'file'], ['elasticsearch']), 1).prefault(['console']),
      file: z
        .strictObject({
          path: optional(matching(/^\/[^<>"|?*:\0]*[^/<>"|?*:\0]$/, 'the absolute path of a file')),
          maxSize: size().prefault('50MiB'),
          rotate: choice(['daily', 'hourly']).prefault('daily'),
          keep: wholeNumber(2, 1_000).prefault(10),
        })
        .prefault({}),
    })
    .prefault({}),
});

const retention = z.strictObject({ sessions: duration().prefault('30d') });

const storage = z.strictObject({ type: choice(['local'], ['s3']).prefault('local') });

const timing = z.strictObject({
  reconcile: duration().prefault('10s'),
  lease: duration().prefault('15s'),
  leaseRenew: duration().prefault('5s'),
  heartbeat: duration().prefault('10s'),
  heartbeatTimeout: duration().prefault('25s'),
  unreachableGrace: duration().prefault('5m'),
  forkWait: duration().prefault('15m'),
  agentConnect: duration().prefault('10s'),
  engineSilence: duration().prefault('60s'),
  gatewayWait: duration().prefault('60s'),
  placeStart: duration().prefault('120s'),
  placeStop: duration().prefault('10s'),
  retryMin: duration().prefault('1s'),
  retryMax: duration().prefault('60s'),
  drain: duration().prefault('10s'),
  ticket: duration().prefault('30s'),
  rotationGrace: duration().prefault('60s'),
  idempotency: duration().prefault('24h'),
  cleanup: duration().prefault('1h'),
});

export const sections = {
  server,
  database,
  redis,
  auth,
  claude,
  sessions,
  compute,
  security,
  monitoring,
  storage,
  retention,
  timing,
};
export type SectionName = keyof typeof sections;
export type Parsed = { [K in SectionName]: z.output<(typeof sections)[K]> };

/** Keys that the product will have. They are refused by name until something uses them. */
export const laterKeys: readonly string[] = [
  'server.tls',
  'auth.oauth',
  'auth.saml',
  'auth.ldap',
  'auth.scim',
  'auth.header',
  'auth.totp',
  'auth.passkeys',
  'auth.groups',
  'claude.bedrock',
  'claude.vertex',
  'claude.rules',
  'sessions.warmPool',
  'compute.kubernetes',
  'compute.ecs',
  'compute.limits.diskGb',
  'compute.limits.networkMbps',
  'security.allowedDomains',
  'security.network',
  'security.caBundle',
  'storage.s3',
  'monitoring.tracing',
  'monitoring.alerts',
  'monitoring.logging.elasticsearch',
  'backup',
  'budgets',
  'quotas',
  'mail',
  'notices',
  'branding',
  'git',
  'webhooks',
];

/** Variables that work without a file; they win over it. Each may also be given as `<NAME>_FILE`. */
export const variables: Readonly<Record<string, string>> = {
  DATABASE_URL: 'database.url',
  REDIS_URL: 'redis.url',
  CLAUDE_API_KEY: 'claude.apiKey',
  METRICS_TOKEN: 'monitoring.metrics.token',
  API_URL: 'server.apiUrl',
  CONTAINER_PREFIX: 'compute.containerPrefix',
};

/** Values that no message repeats. */
export const secretKeys: readonly string[] = [
  'claude.apiKey',
  'security.masterKey',
  'database.url',
  'redis.url',
  'monitoring.metrics.token',
];

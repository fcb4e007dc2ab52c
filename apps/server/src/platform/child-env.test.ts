import { expect, test } from 'vitest';
import { childEnv } from './child-env.js';

test('only what is listed is handed on', () => {
  const env = childEnv({
    PATH: '/usr/bin',
    HOME: '/home/a',
    TZ: 'UTC',
    NODE_EXTRA_CA_CERTS: '/etc/ca.pem',
    npm_config_registry: 'http://localhost:4873',
    NPM_CONFIG_CACHE: '/cache',
    DATABASE_URL: 'postgres://user:password@host/db',
    CLAUDE_API_KEY: 'secret',
    SOME_TOKEN: 'secret',
    LANG: undefined,
  });
  expect(env).toEqual({
    PATH: '/usr/bin',
    HOME: '/home/a',
    TZ: 'UTC',
    NODE_EXTRA_CA_CERTS: '/etc/ca.pem',
    npm_config_registry: 'http://localhost:4873',
    NPM_CONFIG_CACHE: '/cache',
  });
});

test('npm settings that carry a credential are left out', () => {
  const env = childEnv({
    npm_config__auth: 'secret',
    npm_config__password: 'secret',
    'npm_config_//localhost/:_authToken': 'secret',
    NPM_CONFIG_OTP: 'secret',
  });
  expect(env).toEqual({});
});

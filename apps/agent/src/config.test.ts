import { describe, expect, it } from 'vitest';

import { childEnvironment, readConfig } from './config.js';

const whole = {
  AGENT_LISTEN: 'unix:/run/a/agent.sock',
  AGENT_SECRET: 'a-secret-of-the-test-only',
  SESSION_ID: '00000000-0000-4000-8000-000000000001',
  PLACE_ID: '00000000-0000-4000-8000-000000000002',
  AGENT_STATE_DIR: '/home/claude/.agent',
  GATEWAY_URL: 'unix:/run/a/gateway.sock',
  GATEWAY_TOKEN: 'token-of-the-test',
  CLAUDE_PATH: '/opt/claude/claude',
  RIPGREP_PATH: '/opt/rg/rg',
  CLAUDE_SETTINGS: '{"model":"sonnet","permissionMode":"plan"}',
  PATH: '/usr/bin:/bin',
  TZ: 'Europe/Berlin',
  SOMETHING_ELSE: 'of the host',
};

describe('the configuration', () => {
  it('reads what it is told and has defaults for the rest', () => {
    expect(readConfig(whole)).toMatchObject({
      listen: { kind: 'unix', path: '/run/a/agent.sock' },
      gateway: { kind: 'unix', path: '/run/a/gateway.sock' },
      workspace: '/workspace',
      claudeSettings: { model: 'sonnet', permissionMode: 'plan' },
      orphanTimeoutMs: 3_600_000,
      gatewayWaitMs: 60_000,
      parkAfterMs: 600_000,
    });
    const tcp = readConfig({ ...whole, AGENT_LISTEN: undefined, GATEWAY_URL: 'http://gateway:4100' });
    expect(tcp).toMatchObject({
      listen: { kind: 'tcp', port: 8080 },
      gateway: { kind: 'tcp', host: 'gateway', port: 4100 },
    });
  });

  it('lists everything that is wrong at once', () => {
    const start = (): unknown =>
      readConfig({
        ...whole,
        AGENT_LISTEN: `unix:/${'x'.repeat(120)}`,
        AGENT_SECRET: 'short',
        SESSION_ID: 'nine',
        GATEWAY_URL: 'ftp://nowhere',
        PARK_AFTER_MS: 'soon',
        CLAUDE_PATH: undefined,
        CLAUDE_SETTINGS: '{"permissionMode":"bypassPermissions"}',
      });
    for (const name of [
      'AGENT_LISTEN',
      'AGENT_SECRET',
      'SESSION_ID',
      'GATEWAY_URL',
      'PARK_AFTER_MS',
      'CLAUDE_PATH',
      'CLAUDE_SETTINGS',
    ]) {
      expect(start).toThrow(name);
    }
    expect(start).not.toThrow('PLACE_ID');
  });

  it("builds its children's environment from a list", () => {
    const environment = childEnvironment(readConfig(whole), 4321);
    expect(environment).toMatchObject({
      PATH: '/opt/claude:/opt/rg:/usr/bin:/bin',
      TZ: 'Europe/Berlin',
      HOME: '/home/claude',
      LANG: 'C.UTF-8',
      ANTHROPIC_BASE_URL: 'http://127.0.0.1:4321',
      ANTHROPIC_AUTH_TOKEN: 'token-of-the-test',
    });
    expect(JSON.stringify(environment)).not.toContain(whole.AGENT_SECRET);
    for (const name of ['AGENT_SECRET', 'SOMETHING_ELSE', 'GATEWAY_TOKEN', 'GATEWAY_URL'])
      expect(environment).not.toHaveProperty(name);
  });
});

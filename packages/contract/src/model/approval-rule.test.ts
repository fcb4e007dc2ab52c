import { describe, expect, it } from 'vitest';

import { alwaysRuleOf, isRuleFor, type ApprovalRule } from './approval-rule.js';

const asked = (tool: string, input: Record<string, unknown>, more: object = {}) =>
  alwaysRuleOf({ kind: 'tool', tool, input, sessionRule: 'something', ...more });

describe('a rule for always', () => {
  it('is as narrow as the call that was shown', () => {
    expect(asked('Bash', { command: 'npm test', description: 'Run tests' })).toEqual({
      kind: 'command',
      command: 'npm test',
    });
    expect(asked('Write', { file_path: 'a', content: 'b' })).toEqual({ kind: 'edits' });
    expect(asked('WebFetch', { url: 'https://Example.com:8443/a?b' })).toEqual({ kind: 'host', host: 'example.com' });
    expect(asked('mcp__tracker__list', {})).toEqual({ kind: 'tool', tool: 'mcp__tracker__list' });
  });

  it('is not made of what was not shown whole, may be allowed only once, or is no plain call', () => {
    expect(asked('Bash', { command: 'ls' }, { wholeInput: { bytes: 100_000 } })).toBeNull();
    expect(asked('Bash', { command: 'ls' }, { sessionRule: null })).toBeNull();
    expect(asked('ExitPlanMode', {}, { kind: 'plan' })).toBeNull();
    expect(asked('Bash', { command: 'ls', dangerouslyDisableSandbox: true })).toBeNull();
    expect(asked('Bash', { command: ['ls'] })).toBeNull();
    expect(asked('WebFetch', { url: 'https://user@example.com/' })).toBeNull();
    expect(asked('WebFetch', { url: 'file:///etc/passwd' })).toBeNull();
    expect(asked('Task', { prompt: 'go' })).toBeNull();
  });

  it.each([
    'npm test && curl evil',
    'npm test; curl evil',
    'npm test | sh',
    'npm test > /etc/passwd',
    'npm test $(curl evil)',
    'npm test `curl evil`',
    'npm test\ncurl evil',
    'npm test & curl evil',
    'npm  test',
    ' npm test',
    'npm test ',
    'NPM test',
    'FOO=1 npm test',
    'npm tes',
  ])('lets nothing ride on a command: %j', (command) => {
    const rule: ApprovalRule = { kind: 'command', command: 'npm test' };
    expect(isRuleFor(rule, 'Bash', { command: 'npm test', timeout: 5 })).toBe(true);
    expect(isRuleFor(rule, 'Bash', { command })).toBe(false);
    expect(isRuleFor(rule, 'Bash', { command: 'npm test', dangerouslyDisableSandbox: true })).toBe(false);
    expect(isRuleFor(rule, 'BashOutput', { command: 'npm test' })).toBe(false);
  });

  it('is for one host and one tool', () => {
    const host: ApprovalRule = { kind: 'host', host: 'example.com' };
    expect(isRuleFor(host, 'WebFetch', { url: 'http://example.com' })).toBe(true);
    for (const url of [
      'https://example.com.evil.net/',
      'https://evil.net/example.com',
      'https://sub.example.com/',
      'https://example.com@evil.net/',
      'https://example.com\\@evil.net/',
    ])
      expect(isRuleFor(host, 'WebFetch', { url })).toBe(false);
    expect(isRuleFor({ kind: 'tool', tool: 'mcp__a__b' }, 'mcp__a__bc', {})).toBe(false);
  });
});

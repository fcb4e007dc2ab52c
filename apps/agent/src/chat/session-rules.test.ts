import type { PermissionUpdate } from '@anthropic-ai/claude-agent-sdk';
import { describe, expect, it } from 'vitest';

import { allowedToolsOf, isAllowedBy, ruleFor, updatesOf, wordsOf, type AskedFor } from './session-rules.js';

const acceptEdits: PermissionUpdate = { type: 'setMode', mode: 'acceptEdits', destination: 'session' };
const npmTest: PermissionUpdate = {
  type: 'addRules',
  rules: [{ toolName: 'Bash', ruleContent: 'npm test *' }],
  behavior: 'allow',
  destination: 'localSettings',
};
const asked = (
  tool: string,
  input: Record<string, unknown>,
  suggestions: PermissionUpdate[] = [],
  onceOnly = false,
): AskedFor => ({
  tool,
  input,
  suggestions,
  onceOnly,
});

describe('rules for a session', () => {
  it.each([
    ['an edit', asked('Write', { file_path: 'a' }, [acceptEdits]), 'every edit of files in the work tree'],
    [
      'a command that Claude Code can name',
      asked('Bash', { command: 'npm test -- a' }, [npmTest]),
      'commands that begin with "npm test"',
    ],
    ['a command that it cannot', asked('Bash', { command: 'a | b' }), 'exactly this command: a | b'],
    [
      'a page',
      asked('WebFetch', {}, [{ ...npmTest, rules: [{ toolName: 'WebFetch', ruleContent: 'domain:example.org' }] }]),
      'WebFetch on example.org',
    ],
    [
      'a whole tool',
      asked('mcp__a__b', {}, [{ ...npmTest, rules: [{ toolName: 'mcp__a__b' }] }]),
      'every use of mcp__a__b',
    ],
  ])('%s', (_name, call, words) => {
    const rule = ruleFor(call);
    expect(rule === null ? null : wordsOf(rule)).toBe(words);
  });

  it('offers nothing where a lasting answer is forbidden, or would open folders', () => {
    expect(ruleFor(asked('Write', {}, [acceptEdits], true))).toBeNull();
    expect(
      ruleFor(asked('Read', {}, [npmTest, { type: 'addDirectories', directories: ['/etc'], destination: 'session' }])),
    ).toBeNull();
    expect(ruleFor(asked('AskUserQuestion', {}))).toBeNull();
  });

  it('lets edits through only where the mode for edits would', () => {
    const rules = [{ kind: 'edits' as const }];
    expect(isAllowedBy(rules, asked('Edit', {}, [acceptEdits]))).toBe(true);
    expect(isAllowedBy(rules, asked('Edit', { file_path: '/etc/passwd' }, []))).toBe(false);
    expect(isAllowedBy(rules, asked('Bash', {}, [acceptEdits]))).toBe(false);
    expect(isAllowedBy(rules, asked('Edit', {}, [acceptEdits], true))).toBe(false);
  });

  it('lets a command through letter by letter', () => {
    const rules = [{ kind: 'command' as const, tool: 'Bash', command: 'make' }];
    expect(isAllowedBy(rules, asked('Bash', { command: 'make' }))).toBe(true);
    expect(isAllowedBy(rules, asked('Bash', { command: 'make ' }))).toBe(false);
    expect(isAllowedBy(rules, asked('Bash', { command: 'make; id' }))).toBe(false);
    expect(isAllowedBy([], asked('Bash', { command: 'make' }))).toBe(false);
  });

  it('gives native rules to the process that asked, for its session alone, and to the next one', () => {
    const rule = ruleFor(asked('Bash', { command: 'npm test' }, [npmTest]));
    expect(rule === null ? [] : updatesOf(rule)).toMatchObject([{ type: 'addRules', destination: 'session' }]);
    expect(rule === null ? [] : allowedToolsOf([rule, rule, { kind: 'edits' }])).toEqual(['Bash(npm test *)']);
  });
});

import { describe, expect, it } from 'vitest';

import { titleOf } from './titles.js';

const title = (tool: string, input: Record<string, unknown>): string => titleOf(tool, input, '/workspace');

describe('titles of tool calls', () => {
  it('name a file by its place in the work tree', () => {
    expect(title('Write', { file_path: '/workspace/src/a.ts' })).toBe('Write src/a.ts');
    expect(title('Edit', { file_path: '/etc/passwd' })).toContain('/etc/passwd');
  });

  it('hide no line of a command', () => {
    expect(title('Bash', { command: 'npm test &&\n  git push\n' })).toBe('Run npm test && ↵ git push');
  });

  it('say when a command goes on beyond what is shown', () => {
    const long = title('Bash', { command: `echo ${'x'.repeat(5_000)}` });
    expect(long.length).toBeLessThanOrEqual(500);
    expect(long).toMatch(/…$/);
  });

  it.each([
    ['Bash', {}],
    ['Bash', { command: 7 }],
    ['Write', { file_path: null }],
    ['WebFetch', { url: 'not a url' }],
    ['AskUserQuestion', { questions: 'none' }],
    ['mcp__jira__create', {}],
    ['', {}],
  ])('make a sentence of whatever %s is given', (tool, input) => {
    expect(title(tool, input)).toMatch(/\S/);
  });
});

import { describe, expect, test } from 'vitest';

import { createResourceRules } from './resources.js';

const limits = { cpus: 4, memoryMb: 8192 };
const unset = { cpus: null, memoryMb: null };
const rules = createResourceRules({ request: unset, limits });

describe('what a session gets', () => {
  test('the usual, where it asks for nothing, and what it asks for', () => {
    expect(rules.of({})).toEqual({ cpus: 2, memoryMb: 4096 });
    expect(rules.of({ name: 'x', resources: { memoryMb: 8192 } })).toEqual({ cpus: 2, memoryMb: 8192 });
    expect(rules.of({ resources: { cpus: 0.5, memoryMb: 512 } })).toEqual({ cpus: 0.5, memoryMb: 512 });
    expect(createResourceRules({ request: { cpus: 1, memoryMb: null }, limits }).of({})).toEqual({
      cpus: 1,
      memoryMb: 4096,
    });
  });

  test('never more than the site allows now, whatever is stored', () => {
    const small = createResourceRules({ request: unset, limits: { cpus: 1, memoryMb: 1024 } });
    expect([small.usual, small.of({}), small.of({ resources: { cpus: 4, memoryMb: 8192 } })]).toEqual(
      Array.from({ length: 3 }, () => ({ cpus: 1, memoryMb: 1024 })),
    );
    for (const stored of [
      null,
      'text',
      { resources: null },
      { resources: { cpus: 'all' } },
      { resources: { cpus: -1 } },
    ])
      expect(rules.of(stored)).toEqual(rules.usual);
  });
});

describe('what it may ask for', () => {
  test.each([{}, { cpus: 4, memoryMb: 8192 }, { cpus: 0.1 }])('%o', (asked) => {
    expect(() => rules.require(asked)).not.toThrow();
  });
  test.each([
    [{ cpus: 4.1 }, 'at most 4 cores'],
    [{ memoryMb: 8193 }, 'at most 8192 MB'],
    [{ cpus: 1, diskGb: 10 }, 'resources.diskGb'],
  ])('not %o', (asked, words) => {
    expect(() => rules.require(asked)).toThrow(expect.objectContaining({ code: 'unsupported_option' }) as Error);
    expect(() => rules.require(asked)).toThrow(words);
  });
});

import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { root } from './run.mjs';
import { countReport, mergeAgain } from './vitest-run.mjs';

const report = (files) => ({
  testResults: Object.entries(files).map(([file, tests]) => ({
    name: join(root, file),
    status: Object.values(tests).includes('failed') || tests === 'unloadable' ? 'failed' : 'passed',
    assertionResults:
      tests === 'unloadable' ? [] : Object.entries(tests).map(([fullName, status]) => ({ fullName, status })),
  })),
});

describe('the counts of a run', () => {
  it('name what failed and what was skipped', () => {
    const counts = countReport(report({ 'a.test.ts': { one: 'passed', two: 'failed', three: 'pending' } }), 1);
    expect(counts).toEqual({
      files: [{ file: 'a.test.ts', passed: 1, skipped: ['a.test.ts: three'], failures: ['a.test.ts: two'] }],
      outside: [],
    });
  });

  it('take a file that could not be loaded, a bad end and a missing report for failures', () => {
    expect(countReport(report({ 'a.test.ts': 'unloadable' }), 1).files[0].failures).toEqual(['a.test.ts']);
    expect(countReport(report({ 'a.test.ts': { one: 'passed' } }), 1).outside).toHaveLength(1);
    expect(countReport(undefined, 0).outside).toHaveLength(1);
    expect(countReport({ testResults: [] }, 1).outside).toHaveLength(1);
    expect(countReport({ testResults: [] }, 0)).toEqual({ files: [], outside: [] });
  });
});

describe('a file that two projects ran', () => {
  it('is one, with what failed in either', () => {
    const twice = [
      { one: 'failed', two: 'passed' },
      { one: 'passed', two: 'passed' },
    ].flatMap((tests) => report({ 'a.test.ts': tests }).testResults);
    expect(countReport({ testResults: twice }, 1).files).toEqual([
      { file: 'a.test.ts', passed: 3, skipped: [], failures: ['a.test.ts: one'] },
    ]);
  });
});

describe('a second run of what failed', () => {
  const first = countReport(
    report({ 'a.test.ts': { one: 'passed', two: 'failed' }, 'b.test.ts': { three: 'passed' } }),
    1,
  );

  it('makes what passes unsteady, and keeps the rest', () => {
    const merged = mergeAgain(first, countReport(report({ 'a.test.ts': { one: 'passed', two: 'passed' } }), 0));
    expect(merged.unsteady).toEqual(['a.test.ts: two']);
    expect(merged.files.map(({ file, passed, failures }) => [file, passed, failures])).toEqual([
      ['a.test.ts', 2, []],
      ['b.test.ts', 1, []],
    ]);
  });

  it('leaves failed what fails again, and counts what fails only then', () => {
    const merged = mergeAgain(first, countReport(report({ 'a.test.ts': { one: 'failed', two: 'failed' } }), 1));
    expect(merged.unsteady).toEqual([]);
    expect(merged.files[0].failures).toEqual(['a.test.ts: one', 'a.test.ts: two']);
  });

  it('that gives no report excuses nothing', () => {
    const merged = mergeAgain(first, countReport(undefined, 1));
    expect(merged.unsteady).toEqual([]);
    expect(merged.files[0].failures).toEqual(['a.test.ts: two']);
    expect(merged.outside).toHaveLength(1);
  });
});

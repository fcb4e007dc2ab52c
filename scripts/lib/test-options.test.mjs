import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { root } from './run.mjs';
import { stageArgs, stageRuns, testOptions, testStages } from './test-options.mjs';

const faultsOf = (...args) => testOptions(['--only', 'faults', ...args]);

describe('the faults', () => {
  it('are all of them where none is named, whatever else vitest is given', () => {
    expect(faultsOf()).toEqual({ only: 'whole', times: 1, env: {}, rest: ['tests/faults'] });
    expect(faultsOf('-t', 'random').rest).toEqual(['tests/faults', '-t', 'random']);
    expect(faultsOf('--bail=1').rest).toEqual(['tests/faults', '--bail=1']);
  });

  it('are those that are named and no others, with or without their folder', () => {
    expect(faultsOf('random').rest).toEqual(['tests/faults/random']);
    expect(faultsOf('tests/faults/lines.test.ts', 'killed', '-t', 'F1').rest).toEqual([
      'tests/faults/lines.test.ts',
      'tests/faults/killed',
      '-t',
      'F1',
    ]);
  });

  it('are repeated, and drawn again from a seed, before a name', () => {
    expect(faultsOf('--times', '3', '--seed=7', '--seconds', '5', 'random')).toEqual({
      only: 'whole',
      times: 3,
      env: { TEST_SEED: '7', TEST_SECONDS: '5' },
      rest: ['tests/faults/random'],
    });
  });

  it('that do not exist are an error that names those that do', () => {
    expect(() => faultsOf('randon')).toThrow(/no randon in tests\/faults; there are: .*random/);
  });
});

describe('other stages', () => {
  it('give everything after our own arguments to vitest as it stands', () => {
    expect(testOptions(['--only', 'unit', 'packages/contract', '-t', 'seq'])).toEqual({
      only: 'unit',
      times: 1,
      env: {},
      rest: ['packages/contract', '-t', 'seq'],
    });
  });

  it('are refused where there is no such stage, count or seed', () => {
    expect(() => testOptions(['--only', 'some'])).toThrow('--only some');
    expect(() => testOptions(['--times', '0'])).toThrow('--times 0');
    expect(() => testOptions(['--seed', 'x'])).toThrow('--seed x');
  });
});

describe('the isolation', () => {
  const argsOf = (...args) => {
    const options = testOptions(args);
    return Object.fromEntries(testStages.map((stage) => [stage, stageArgs(stage, options)]));
  };

  it('is the containers and the folder of that name', () => {
    expect(argsOf('--only', 'isolation')).toEqual({ whole: ['tests/isolation'], containers: [] });
    expect(argsOf('--only', 'isolation', '-t', 'runc').whole).toEqual(['tests/isolation', '-t', 'runc']);
  });

  it('is what is named of both', () => {
    expect(argsOf('--only', 'isolation', 'canary')).toEqual({ whole: ['canary'], containers: ['canary'] });
  });

  it('leaves the other stages as they are asked for', () => {
    expect(argsOf('--only', 'containers', 'image')).toEqual({ containers: ['image'] });
    expect(Object.keys(argsOf())).toEqual(testStages);
    expect(Object.values(argsOf()).every((args) => args?.length === 0)).toBe(true);
  });
});

describe('the runs of a stage', () => {
  it('are two where all of it is asked for: files beside each other, and those that are alone', () => {
    for (const stage of ['whole', 'services']) {
      const [beside, alone] = stageRuns(stage, []);
      expect(alone.length).toBeGreaterThan(0);
      expect(beside.filter((file) => alone.some((path) => file.startsWith(path)))).toEqual([]);
      expect(beside).toEqual(expect.arrayContaining(['tests/api/spine.test.ts', 'tests/api/routes.test.ts']));
      expect(alone.every((folder) => existsSync(join(root, folder)))).toBe(true);
    }
  });

  it('are one where something is named, and where nothing is said of it', () => {
    expect(stageRuns('whole', ['tests/api', '-t', 'x'])).toEqual([['tests/api', '-t', 'x']]);
    expect(stageRuns('unit', [])).toEqual([[]]);
    expect(stageRuns('containers', [])).toEqual([[]]);
  });
});

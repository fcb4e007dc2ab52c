// What the arguments of `npm test` mean: which stage, how often, with which variables, and what vitest is given.
// It runs nothing.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { plainError, root } from './run.mjs';

const stageNames = ['check', 'unit', 'whole', 'services', 'containers'];
/** Those that vitest runs, each a project of it. */
export const testStages = stageNames.slice(1);
const faults = 'tests/faults';
/** Parts of the stages that have a name of their own. */
const partNames = ['faults', 'isolation'];
const isolation = { folder: 'tests/isolation', stages: ['whole', 'containers'] };
/**
 * What nothing may run beside: it measures how soon all is well again, kills what others use, looks at every process of the
 * machine, or takes all that there is. The rest of a stage runs two files at a time.
 */
const alone = {
  whole: [
    'tests/faults',
    'tests/isolation',
    'tests/cli',
    'tests/e2e/connection.test.ts',
    'tests/e2e/long-text.test.ts',
  ],
  services: ['tests/faults'],
};
const atOnce = 2;
/** Arguments of vitest whose value may stand apart: it is no name of a file. */
const takesValue = /^(?:-t|--(?:testNamePattern|bail|retry|reporter|testTimeout|hookTimeout))$/;

const isName = (rest) => (arg, index) => !arg.startsWith('-') && !takesValue.test(rest[index - 1] ?? '');

/** Which arguments vitest gets in this stage, or undefined where the stage was not asked for. */
export function stageArgs(stage, { only, rest }) {
  if (only !== 'isolation') return only === undefined || only === stage ? rest : undefined;
  if (!isolation.stages.includes(stage)) return undefined;
  return stage === 'whole' && !rest.some(isName(rest)) ? [isolation.folder, ...rest] : rest;
}

/** The runs of vitest that make up a stage, by their arguments: one where anything is asked for. */
export function stageRuns(stage, rest) {
  const folders = alone[stage];
  if (folders === undefined || rest.length > 0) return [rest];
  // Named one by one: what a project leaves out is its own matter, and not to be added to by an argument.
  const beside = testFiles().filter((file) => !folders.some((path) => file === path || file.startsWith(`${path}/`)));
  return [['--fileParallelism', `--maxWorkers=${atOnce}`, ...beside], folders];
}

const testFiles = () =>
  readdirSync(join(root, 'tests'), { recursive: true })
    .map((file) => `tests/${file.replaceAll('\\', '/')}`)
    .filter((file) => file.endsWith('.test.ts') && !file.startsWith('tests/dist/'))
    .sort();

/** Vitest runs what any of its filters fits: each name is looked for in the folder, and the folder stands for itself only where there is none. */
function amongFaults(rest) {
  if (!rest.some(isName(rest))) return [faults, ...rest];
  const files = readdirSync(join(root, faults)).filter((file) => file.endsWith('.test.ts'));
  return rest.map((arg, index) => {
    if (!isName(rest)(arg, index)) return arg;
    const name = arg.startsWith(`${faults}/`) ? arg.slice(faults.length + 1) : arg;
    if (name !== '' && files.some((file) => file.includes(name))) return `${faults}/${name}`;
    const known = files.map((file) => file.replace('.test.ts', '')).join(', ');
    throw plainError(`there is no ${arg} in ${faults}; there are: ${known}.`);
  });
}

export function testOptions(args) {
  // Our own flags come first; from the first other argument on, all of it is vitest's.
  const isOurs = (arg) => /^--(?:only|times|seed|seconds)(?:=|$)/.test(arg);
  let end = 0;
  while (end < args.length && isOurs(args[end])) end += args[end].includes('=') ? 1 : 2;
  const options = {
    only: { type: 'string' },
    times: { type: 'string', default: '1' },
    seed: { type: 'string' },
    seconds: { type: 'string' },
  };
  const { values } = parseArgs({ args: args.slice(0, end), options });
  const times = Number(values.times);
  if (values.only !== undefined && ![...stageNames, ...partNames].includes(values.only)) {
    const parts = 'faults, a part of whole, and isolation, which is containers and a part of whole';
    throw plainError(`--only ${values.only}: the stages are ${stageNames.join(', ')}; there are ${parts}.`);
  }
  if (!Number.isInteger(times) || times < 1)
    throw plainError(`--times ${values.times}: a whole number from 1 is needed.`);
  for (const name of ['seed', 'seconds']) {
    if (values[name] !== undefined && !/^\d{1,9}$/.test(values[name]))
      throw plainError(`--${name} ${values[name]}: a whole number is needed.`);
  }
  const env = {
    ...(values.seed !== undefined && { TEST_SEED: values.seed }),
    ...(values.seconds !== undefined && { TEST_SECONDS: values.seconds }),
  };
  const rest = args.slice(end);
  return values.only === 'faults'
    ? { only: 'whole', times, env, rest: amongFaults(rest) }
    : { only: values.only, times, env, rest };
}

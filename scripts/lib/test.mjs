// `npm test`: checks, build, unit and whole tests, and a part of these with other services, on a machine that may have
// nothing but Node and npm, and what needs a container engine. Every stage runs and is counted; the last line is the sum. A file of tests that failed is run
// once more, alone, at the end: what passes then is printed as unsteady, which is a fault of the test or of the product,
// to be mended. `--only check|unit|whole|services|containers` runs one stage, `--times N` repeats the test stages, and everything
// else goes to vitest: `npm test -- --only unit packages/contract -t seq`.
// `--only faults` is the part of the whole tests that breaks things: all of it, or the files of it that are named.
// `--only isolation` is what tries to get out of a session: the containers, and a part of the whole tests.
// `--seed N` draws the same faults at random again, for `--seconds` of time.
import { build } from './build.mjs';
import { check } from './check.mjs';
import { whyNoEngine } from './containers/tools.mjs';
import { ensureDependencies } from './dependencies.mjs';
import { interrupted } from './run.mjs';
import { ensureSystemPackages, howToInstall } from './system-packages.mjs';
import { stageArgs, stageRuns, testOptions, testStages } from './test-options.mjs';
import { mergeAgain, runVitest } from './vitest-run.mjs';

/** More than this is no accident, and stays failed. */
const maxUnsteadyFiles = 2;

/** Builds, and counts a build that fails as one failure. */
async function buildStage() {
  try {
    await build();
    return { passed: 0, failures: [] };
  } catch (error) {
    console.log(error.plain ? error.message : error);
    return { passed: 0, failures: ['build'] };
  }
}

/** Runs the files that failed once more. Errors outside the tests, and too many files, stay as they are. */
async function runAgain(stage, first) {
  const failed = first.files.filter(({ failures }) => failures.length > 0).map(({ file }) => file);
  if (failed.length === 0 || failed.length > maxUnsteadyFiles || interrupted()) return first;
  console.log(`\n== ${stage}, once more: ${failed.join(', ')}`);
  return mergeAgain(first, await runVitest(stage, failed));
}

const flatten = ({ files, outside, unsteady = [] }) => ({
  passed: files.reduce((total, { passed }) => total + passed, 0),
  failures: [...files.flatMap(({ failures }) => failures), ...outside],
  skipped: files.flatMap(({ skipped }) => skipped),
  unsteady,
});

function closingLine({ passed, failures, skipped }) {
  const line = `${passed} passed, ${failures.length} failed`;
  return skipped.length > 0 ? `${line}, ${skipped.length} skipped` : line;
}

async function prepare() {
  await ensureDependencies();
  const missing = await ensureSystemPackages([
    'git',
    'bubblewrap',
    'chromium',
    'redis',
    'postgresql',
    'nginx',
    'openssl',
    'prometheus',
  ]);
  return missing.map(howToInstall);
}

/** Why a stage cannot run on this machine at all. */
const whyNot = (stage) => (stage === 'containers' ? whyNoEngine() : undefined);

async function runStages(options) {
  const { only, times, env, rest } = options;
  const results = [];
  const wants = (stage) => stageArgs(stage, options) !== undefined && !interrupted();
  if (wants('check')) {
    const { passed, failures } = await check(only === 'check' ? rest : []);
    results.push({ passed, failures: failures.map((name) => `check: ${name}`) });
  }
  // Unit tests run from source; some of them start the built agent, so they come after the build too.
  const built = testStages.some(wants) ? await buildStage() : undefined;
  if (built) results.push(built);
  const runs = [];
  for (const stage of testStages) {
    const reason = wants(stage) ? whyNot(stage) : undefined;
    if (reason !== undefined) {
      results.push({ passed: 0, failures: [], skipped: [`${stage}, all of it: ${reason}`] });
      continue;
    }
    for (let round = 1; round <= times && wants(stage); round += 1) {
      console.log(`\n== ${stage}${times > 1 ? ` (${round} of ${times})` : ''}`);
      if (stage !== 'unit' && built.failures.length > 0) {
        console.log('not run: the build failed');
        break;
      }
      for (const args of stageRuns(stage, stageArgs(stage, options))) {
        if (!interrupted()) runs.push({ stage, counts: await runVitest(stage, args, env) });
      }
    }
  }
  const isAll = only === undefined && rest.length === 0;
  for (const { stage, counts } of runs) results.push(flatten(isAll ? await runAgain(stage, counts) : counts));
  return results;
}

export async function main(args) {
  const options = testOptions(args);
  const missing = await prepare();
  const results = await runStages(options);
  const all = (key) => results.flatMap((result) => result[key] ?? []);
  const sum = {
    passed: results.reduce((total, { passed }) => total + passed, 0),
    failures: all('failures'),
    skipped: all('skipped'),
  };
  console.log('');
  for (const sentence of missing) console.log(`missing: ${sentence}`);
  for (const name of sum.skipped) console.log(`skipped: ${name}`);
  for (const name of all('unsteady')) console.log(`unsteady, failed and then passed: ${name}`);
  for (const name of sum.failures) console.log(`failed: ${name}`);
  if (interrupted()) console.log('interrupted: the stages after this one did not run');
  console.log(closingLine(sum));
  return sum.failures.length === 0 && !interrupted() ? 0 : 1;
}

// `npm test`: checks, build, unit and whole tests, on a machine that may have nothing but Node and npm.
// Every stage runs and is counted; the last line is the sum. `--only check|unit|whole` runs one stage, `--times N`
// repeats the test stages, and everything else goes to vitest: `npm test -- --only unit packages/contract -t seq`.
// `--only faults` is the part of the whole tests that breaks things.
import { parseArgs } from 'node:util';
import { build } from './build.mjs';
import { check } from './check.mjs';
import { ensureDependencies } from './dependencies.mjs';
import { interrupted, plainError } from './run.mjs';
import { ensureSystemPackages, howToInstall } from './system-packages.mjs';
import { runVitest } from './vitest-run.mjs';

const stageNames = ['check', 'unit', 'whole'];

function parse(args) {
  // Our own flags come first; from the first other argument on, all of it is vitest's.
  const isOurs = (arg) => /^--(?:only|times)(?:=|$)/.test(arg);
  let end = 0;
  while (end < args.length && isOurs(args[end])) end += args[end].includes('=') ? 1 : 2;
  const options = { only: { type: 'string' }, times: { type: 'string', default: '1' } };
  const { values } = parseArgs({ args: args.slice(0, end), options });
  const times = Number(values.times);
  if (values.only !== undefined && ![...stageNames, 'faults'].includes(values.only)) {
    throw plainError(`--only ${values.only}: the stages are ${stageNames.join(', ')}, and faults of the last.`);
  }
  if (!Number.isInteger(times) || times < 1)
    throw plainError(`--times ${values.times}: a whole number from 1 is needed.`);
  const rest = args.slice(end);
  return values.only === 'faults'
    ? { only: 'whole', times, rest: ['tests/faults', ...rest] }
    : { only: values.only, times, rest };
}

/** Builds, and counts a build that fails as one failure. */
async function buildStage() {
  try {
    await build();
    return { passed: 0, failures: [], skipped: [] };
  } catch (error) {
    console.log(error.plain ? error.message : error);
    return { passed: 0, failures: ['build'], skipped: [] };
  }
}

function closingLine(results) {
  const sum = (count) => results.reduce((total, result) => total + count(result), 0);
  const skipped = sum((result) => result.skipped.length);
  const line = `${sum((result) => result.passed)} passed, ${sum((result) => result.failures.length)} failed`;
  return skipped > 0 ? `${line}, ${skipped} skipped` : line;
}

async function prepare() {
  await ensureDependencies();
  const missing = await ensureSystemPackages(['git', 'bubblewrap', 'chromium']);
  return missing.map(howToInstall);
}

async function runStages({ only, times, rest }) {
  const results = [];
  const wants = (stage) => (only === undefined || only === stage) && !interrupted();
  if (wants('check')) {
    const { passed, failures } = await check(only === 'check' ? rest : []);
    results.push({ passed, failures: failures.map((name) => `check: ${name}`), skipped: [] });
  }
  // Unit tests run from source; some of them start the built agent, so they come after the build too.
  const built = wants('unit') || wants('whole') ? await buildStage() : undefined;
  if (built) results.push(built);
  for (const stage of ['unit', 'whole']) {
    for (let round = 1; round <= times && wants(stage); round += 1) {
      console.log(`\n== ${stage}${times > 1 ? ` (${round} of ${times})` : ''}`);
      if (stage === 'whole' && built.failures.length > 0) {
        console.log('not run: the build failed');
        break;
      }
      results.push(await runVitest(stage, rest));
    }
  }
  return results;
}

export async function main(args) {
  const options = parse(args);
  const missing = await prepare();
  const results = await runStages(options);
  const failures = results.flatMap((result) => result.failures);
  const skipped = results.flatMap((result) => result.skipped);
  console.log('');
  for (const sentence of missing) console.log(`missing: ${sentence}`);
  for (const name of skipped) console.log(`skipped: ${name}`);
  for (const name of failures) console.log(`failed: ${name}`);
  if (interrupted()) console.log('interrupted: the stages after this one did not run');
  console.log(closingLine(results));
  return failures.length === 0 && !interrupted() ? 0 : 1;
}

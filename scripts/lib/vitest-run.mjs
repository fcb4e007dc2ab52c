// One vitest run, counted. It does not know what the tests are about.
// The counts come from vitest's JSON report; a run that ends badly without a failed test still counts as one failure.
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { childEnv } from './child-env.mjs';
import { inModules, root, runNode } from './run.mjs';

const folder = join(root, '.cache', 'tests');

function readReport(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

function countFile({ name: path, status, assertionResults = [] }) {
  const file = relative(root, path);
  const namesOf = (fits) => assertionResults.filter(fits).map((test) => `${file}: ${test.fullName}`);
  const failures = namesOf((test) => test.status === 'failed');
  return {
    file,
    passed: namesOf((test) => test.status === 'passed').length,
    skipped: namesOf((test) => !['passed', 'failed'].includes(test.status)),
    // A file that could not be loaded, or a hook outside any test.
    failures: status === 'failed' && failures.length === 0 ? [file] : failures,
  };
}

/** A file that two projects ran is one: what runs again is a file, in both. */
function byFile(counts) {
  const files = new Map();
  for (const { file, passed, skipped, failures } of counts) {
    const before = files.get(file) ?? { passed: 0, skipped: [], failures: [] };
    files.set(file, {
      file,
      passed: before.passed + passed,
      skipped: [...before.skipped, ...skipped],
      failures: [...before.failures, ...failures],
    });
  }
  return [...files.values()];
}

/** Passed, and the names of what was skipped or failed, by file; and what failed outside the files. */
export function countReport(report, exitCode) {
  const files = byFile((report?.testResults ?? []).map(countFile));
  const isExplained = exitCode === 0 || files.some(({ failures }) => failures.length > 0);
  if (report !== undefined && isExplained) return { files, outside: [] };
  return {
    files,
    outside: [report ? 'errors outside the tests, see above' : 'the run gave no report, see above'],
  };
}

/** What a second run of the files that failed makes of the first: its counts for these files, and what is unsteady. */
export function mergeAgain(first, again) {
  const later = new Map(again.files.map((one) => [one.file, one]));
  const failedNow = new Set(again.files.flatMap(({ failures }) => failures));
  const failedThen = first.files.flatMap(({ failures }) => failures);
  return {
    files: first.files.map((one) => (one.failures.length > 0 ? (later.get(one.file) ?? one) : one)),
    outside: [...first.outside, ...again.outside],
    unsteady: later.size === 0 ? [] : failedThen.filter((name) => !failedNow.has(name)),
  };
}

/** The projects of a stage: those with containers are one run, for one engine. */
const projectsOf = (stage) => (stage === 'containers' ? ['containers', 'gvisor'] : [stage]);

/** Runs a stage's projects of vitest, with further arguments for vitest itself (file filters, -t) and variables for the tests. */
export async function runVitest(stage, args, env = {}) {
  const reportPath = join(folder, `${stage}.json`);
  mkdirSync(folder, { recursive: true });
  if (existsSync(reportPath)) rmSync(reportPath);
  const { code } = await runNode(
    [
      inModules('vitest/vitest.mjs'),
      'run',
      ...projectsOf(stage).map((project) => `--project=${project}`),
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${reportPath}`,
      '--passWithNoTests',
      ...args,
    ],
    { env: childEnv(env) },
  );
  return countReport(readReport(reportPath), code);
}

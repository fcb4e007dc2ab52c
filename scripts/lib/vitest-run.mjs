// One vitest run, counted. It does not know what the tests are about.
// The counts come from vitest's JSON report; a run that ends badly without a failed test still counts as one failure.
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { inModules, root, runNode } from './run.mjs';

const folder = join(root, '.cache', 'tests');

function readReport(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

/** The numbers of a report, and the names of what failed or was skipped. */
export function countReport(report, exitCode) {
  const counts = { passed: 0, skipped: [], failures: [] };
  for (const file of report?.testResults ?? []) {
    const path = relative(root, file.name);
    const tests = file.assertionResults ?? [];
    for (const test of tests) {
      const name = `${path}: ${test.fullName}`;
      if (test.status === 'passed') counts.passed += 1;
      else if (test.status === 'failed') counts.failures.push(name);
      else counts.skipped.push(name);
    }
    // A file that could not be loaded, or a hook outside any test.
    if (file.status === 'failed' && !tests.some((test) => test.status === 'failed')) counts.failures.push(path);
  }
  if ((exitCode !== 0 || report === undefined) && counts.failures.length === 0) {
    counts.failures.push(report ? 'errors outside the tests, see above' : 'the run gave no report, see above');
  }
  return counts;
}

/** Runs a vitest project, with further arguments for vitest itself (file filters, -t). */
export async function runVitest(project, args) {
  const reportPath = join(folder, `${project}.json`);
  mkdirSync(folder, { recursive: true });
  if (existsSync(reportPath)) rmSync(reportPath);
  const { code } = await runNode([
    inModules('vitest/vitest.mjs'),
    'run',
    `--project=${project}`,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${reportPath}`,
    '--passWithNoTests',
    ...args,
  ]);
  return countReport(readReport(reportPath), code);
}

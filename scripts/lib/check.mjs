// `npm run check`: every check that needs no running program. All run, and all findings are shown.
// It does not know what a check looks for. Two lanes for two cores: lint needs the declarations that `types` makes.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ensureDependencies } from './dependencies.mjs';
import { checkHouseRules } from './house-rules.mjs';
import { checkImports } from './imports.mjs';
import { checkLockfile } from './lockfile.mjs';
import { inModules, interrupted, root, runNode } from './run.mjs';

/** A check that is a tool of node_modules: its own output is the finding. */
const tool =
  (path, ...args) =>
  async () => {
    const { code, output } = await runNode([inModules(path), ...args], { capture: true });
    return { problems: code === 0 ? [] : [output.trim() || `ended with code ${code}`] };
  };

const compiler = 'typescript/bin/tsc';

async function checkTypes() {
  const projects = await tool(compiler, '-b')();
  if (!existsSync(join(root, 'apps/web/tsconfig.json'))) return projects;
  const memory = ['--incremental', '--tsBuildInfoFile', '.cache/page.tsbuildinfo'];
  const page = await tool(compiler, '--noEmit', ...memory, '-p', 'apps/web')();
  return { problems: [...projects.problems, ...page.problems] };
}

const lanes = [
  [
    { name: 'types', run: checkTypes },
    { name: 'lint', run: tool('oxlint/bin/oxlint') },
  ],
  [
    { name: 'format', run: tool('oxfmt/bin/oxfmt', '--check') },
    { name: 'imports', run: checkImports },
    { name: 'dead code', run: tool('knip/bin/knip.js', '--no-progress', '--no-config-hints') },
    { name: 'house rules', run: checkHouseRules },
    { name: 'lock file', run: checkLockfile },
  ],
];

async function runOne({ name, run }) {
  const begun = performance.now();
  const { problems, summary } = await run();
  const seconds = ((performance.now() - begun) / 1_000).toFixed(1);
  const state = problems.length === 0 ? 'ok    ' : 'FAILED';
  console.log(`${state} ${name.padEnd(12)} ${seconds.padStart(5)} s${summary ? `  ${summary}` : ''}`);
  return { name, problems };
}

async function runLane(lane) {
  const results = [];
  for (const check of lane) if (!interrupted()) results.push(await runOne(check));
  return results;
}

/** Runs all checks (or those whose name contains a filter) and shows what failed: `{ passed, failures }`. */
export async function check(filters = []) {
  const isWanted = ({ name }) => filters.length === 0 || filters.some((filter) => name.includes(filter));
  const results = (await Promise.all(lanes.map((lane) => runLane(lane.filter(isWanted))))).flat();
  const failed = results.filter(({ problems }) => problems.length > 0);
  for (const { name, problems } of failed) console.log(`\n== ${name}\n${problems.join('\n')}`);
  return { passed: results.length - failed.length, failures: failed.map(({ name }) => name) };
}

export async function main(args) {
  await ensureDependencies();
  const { failures } = await check(args);
  return failures.length === 0 && !interrupted() ? 0 : 1;
}

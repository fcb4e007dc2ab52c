// The check of the import table. The table itself is .dependency-cruiser.cjs; this runs it over every source file,
// and makes sure that the tool has really seen them: a resolver that finds nothing would otherwise pass everything.
import { createRequire } from 'node:module';
import { inModules, root, runNode } from './run.mjs';
import { codeFiles } from './sources.mjs';

const ruleFile = '.dependency-cruiser.cjs';

function describe(violation) {
  const { rule, from, to, cycle } = violation;
  const via = cycle?.length ? `${from} → ${cycle.map((step) => step.name ?? step).join(' → ')}` : `${from} → ${to}`;
  return `${rule.name}: ${via}`;
}

/** Files that no line of the table speaks of: they may import nothing, so they are in no known place. */
function unplaced(files) {
  const { allowed } = createRequire(import.meta.url)(`${root}/${ruleFile}`);
  const places = allowed.map(({ from }) => new RegExp([from.path].flat().join('|')));
  return files.filter((file) => !places.some((place) => place.test(file)));
}

/** Problems of the given folders and files, one line each. `cwd` is where the paths start. */
export async function importProblems({ paths, expected, cwd = root }) {
  const cruiser = inModules('dependency-cruiser/bin/dependency-cruise.mjs');
  const args = [cruiser, '--config', `${root}/${ruleFile}`, '--output-type', 'json', ...paths];
  const { code, output } = await runNode(args, { capture: true, cwd });
  let report;
  try {
    report = JSON.parse(output);
  } catch {
    return [`dependency-cruiser gave no report (code ${code}): ${output.trim()}`];
  }
  const seen = new Set(
    report.modules.filter((module) => module.dependencies !== undefined).map((module) => module.source),
  );
  const unseen = expected.filter((file) => !seen.has(file));
  return [
    ...report.summary.violations.map(describe),
    ...unseen.map((file) => `not seen by dependency-cruiser: ${file}`),
    ...unplaced(expected).map((file) => `not in the table of ${ruleFile}: ${file}`),
  ];
}

export async function checkImports() {
  const files = await codeFiles();
  const problems = await importProblems({ paths: files, expected: files });
  return { problems, summary: `${files.length} modules` };
}

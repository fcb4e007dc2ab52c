// `npm run bench [-- p1 p5]`: runs the benches that are named, or all, one after the other, and shows their tables.
// It does not know what a bench measures. It runs them from source, so nothing stale is measured.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { build } from './build.mjs';
import { ensureDependencies } from './dependencies.mjs';
import { interrupted, plainError, root, runNode } from './run.mjs';

const folder = join(root, 'bench');

/** A bench is a file directly in bench/ named by its question: p1.ts, p14-first-token.ts. */
function benches() {
  const files = existsSync(folder) ? readdirSync(folder) : [];
  return files.filter((name) => /^p\d+.*\.ts$/.test(name) && !name.endsWith('.d.ts')).map((name) => name.slice(0, -3));
}

const numberOf = (bench) => Number(/^p(\d+)/.exec(bench)[1]);

function chosen(args) {
  const all = benches().toSorted((a, b) => numberOf(a) - numberOf(b));
  const wanted = args.filter((arg) => !arg.startsWith('-')).map((arg) => arg.toLowerCase());
  const matches = (bench, name) => bench === name || bench.startsWith(`${name}-`);
  const unknown = wanted.find((name) => !all.some((bench) => matches(bench, name)));
  if (unknown !== undefined) throw plainError(`there is no bench ${unknown}; there are: ${all.join(', ') || 'none'}.`);
  return wanted.length === 0 ? all : all.filter((bench) => wanted.some((name) => matches(bench, name)));
}

export async function main(args) {
  const list = chosen(args);
  const flags = args.filter((arg) => arg.startsWith('-'));
  await ensureDependencies();
  await build();
  const failed = [];
  for (const bench of list) {
    if (interrupted()) break;
    console.log(`\n== ${bench}`);
    const { code } = await runNode(['--import', 'tsx', '--conditions=source', join(folder, `${bench}.ts`), ...flags]);
    if (code !== 0) failed.push(bench);
  }
  console.log(
    `\n${list.length - failed.length} of ${list.length} benches ran${failed.length ? `; failed: ${failed.join(', ')}` : ''}`,
  );
  return failed.length === 0 && !interrupted() ? 0 : 1;
}

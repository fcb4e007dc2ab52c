// Makes node_modules equal to package-lock.json. It does not know what the packages are for.
// npm itself records what it installed in node_modules/.package-lock.json; comparing the two needs no stamp of ours.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { alone } from './lock.mjs';
import { inModules, plainError, root, run } from './run.mjs';

function packagesOf(path) {
  if (!existsSync(path)) return {};
  try {
    return JSON.parse(readFileSync(path, 'utf8')).packages ?? {};
  } catch {
    return {};
  }
}

/** Why node_modules is not what package-lock.json says, or undefined when it is. Optional packages may be absent. */
function whyStale() {
  if (!existsSync(join(root, 'node_modules'))) return 'node_modules is missing';
  const wanted = packagesOf(join(root, 'package-lock.json'));
  const found = packagesOf(inModules('.package-lock.json'));
  for (const [path, entry] of Object.entries(wanted)) {
    if (path === '' || !path.includes('node_modules/')) continue;
    const installed = found[path];
    if (installed === undefined) {
      if (entry.optional || entry.devOptional || entry.peer) continue;
      return `${path} is missing`;
    }
    if (installed.integrity !== entry.integrity || installed.version !== entry.version) return `${path} differs`;
  }
  const extra = Object.keys(found).find((path) => path.includes('node_modules/') && wanted[path] === undefined);
  return extra && `${extra} is not in package-lock.json`;
}

export async function ensureDependencies() {
  if (whyStale() === undefined) return;
  await alone(async () => {
    const reason = whyStale();
    if (reason === undefined) return;
    console.log(`installing packages: ${reason}`);
    const npmArgs = ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund'];
    const { code } = await run('npm', npmArgs);
    if (code !== 0)
      throw plainError(`npm ci ended with code ${code}: its own lines above say why. Nothing was started.`);
    const left = whyStale();
    if (left !== undefined)
      throw plainError(`npm ci has run, but ${left}: package-lock.json does not fit package.json.`);
  });
}

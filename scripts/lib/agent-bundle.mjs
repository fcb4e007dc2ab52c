// Makes the agent one file, with the native packages it loads beside it, so that the folder works wherever it is copied.
// It does not know the agent's code. Claude Code's own binary is not part of it: whoever starts a place brings that.
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { bundle } from './bundle.mjs';

const nativeParts = ['@lydell/node-pty', '@parcel/watcher', '@vscode/ripgrep'];
const buildOnly = new Set(['node-addon-api']);
const notNeeded = /\.(cc|c|h|hh|gyp|gypi|flow|d\.ts|map|md)$/;

const manifestOf = (folder) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));

/** Walks up as Node does; a package without exports for its package.json is found too. */
function findPackage(name, from) {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name);
    if (existsSync(join(candidate, 'package.json'))) return candidate;
    if (folder === dirname(folder)) return undefined;
  }
}

/** Where a package goes: flat as npm has it, and below its user where another version has the place already. */
function placeFor(name, version, user, target) {
  const flat = join(target, 'node_modules', name);
  if (!existsSync(flat) || manifestOf(flat).version === version) return flat;
  return join(user, 'node_modules', name);
}

/** Copies a package with what it needs to run; of its optional packages those that this machine has. */
function copyPackage(name, { from, user, target }) {
  const source = findPackage(name, from);
  if (source === undefined) return false;
  const { version, dependencies = {}, optionalDependencies = {} } = manifestOf(source);
  const destination = placeFor(name, version, user, target);
  if (existsSync(destination)) return true;
  cpSync(source, destination, {
    recursive: true,
    dereference: true,
    filter: (path) => !path.slice(source.length).startsWith('/node_modules') && !notNeeded.test(path),
  });
  for (const dependency of Object.keys({ ...dependencies, ...optionalDependencies })) {
    if (buildOnly.has(dependency)) continue;
    const copied = copyPackage(dependency, { from: source, user: destination, target });
    if (!copied && !(dependency in optionalDependencies)) throw new Error(`${name} needs ${dependency}: not installed`);
  }
  return true;
}

/** The copies run as another user than the one that built them: readable for all, and programs stay programs. */
function openToAll(path) {
  const { mode } = statSync(path);
  if (statSync(path).isDirectory()) {
    chmodSync(path, 0o755);
    for (const name of readdirSync(path)) openToAll(join(path, name));
  } else {
    chmodSync(path, mode & 0o111 ? 0o755 : 0o644);
  }
}

/** Bundles `entry` into `target/agent.mjs`; the old folder stays whole until the new one is ready. */
export async function bundleAgent({ entry, packageFolder, target }) {
  const next = `${target}.next`;
  rmSync(next, { recursive: true, force: true });
  mkdirSync(next, { recursive: true });
  await bundle({ entry, outfile: join(next, 'agent.mjs'), external: nativeParts });
  for (const name of nativeParts) {
    if (!copyPackage(name, { from: packageFolder, user: next, target: next }))
      throw new Error(`${name} is not installed`);
  }
  openToAll(next);
  rmSync(target, { recursive: true, force: true });
  renameSync(next, target);
}

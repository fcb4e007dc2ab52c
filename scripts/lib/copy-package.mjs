// Copies installed packages, with what they need to run, to where Node finds them beside a program that is put elsewhere.
// It does not know which packages, or what for.
import { chmodSync, cpSync, existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

const buildOnly = new Set(['node-addon-api']);
/** Sources and papers; a licence stays with what it is for. */
const isNotNeeded = (path) =>
  /\.(cc|c|h|hh|gyp|gypi|flow|d\.ts|map|md)$/.test(path) && !/^(?:licen[cs]e|notice)/i.test(basename(path));

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
export function copyPackage(name, { from, user, target }) {
  const source = findPackage(name, from);
  if (source === undefined) return false;
  const { version, dependencies = {}, optionalDependencies = {} } = manifestOf(source);
  const destination = placeFor(name, version, user, target);
  if (existsSync(destination)) return true;
  cpSync(source, destination, {
    recursive: true,
    dereference: true,
    filter: (path) => !path.slice(source.length).startsWith('/node_modules') && !isNotNeeded(path),
  });
  for (const dependency of Object.keys({ ...dependencies, ...optionalDependencies })) {
    if (buildOnly.has(dependency)) continue;
    const copied = copyPackage(dependency, { from: source, user: destination, target });
    if (!copied && !(dependency in optionalDependencies)) throw new Error(`${name} needs ${dependency}: not installed`);
  }
  return true;
}

/** The copies run as another user than the one that built them: readable for all, and programs stay programs. */
export function openToAll(path) {
  const { mode } = statSync(path);
  if (statSync(path).isDirectory()) {
    chmodSync(path, 0o755);
    for (const name of readdirSync(path)) openToAll(join(path, name));
  } else {
    chmodSync(path, mode & 0o111 ? 0o755 : 0o644);
  }
}

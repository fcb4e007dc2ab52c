// A real PostgreSQL of a test's own, as a company runs one: the operating system's, reached over TCP with a password.

import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, chown, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';

import { builtEnv } from './config.js';
import { freePort } from './free-port.js';
import { until } from './wait.js';

export interface OwnPostgres {
  url: string;
  close(): Promise<void>;
}

const versionsFolder = '/usr/lib/postgresql';
/** PostgreSQL refuses to run as root, and initdb wants a user that the system knows. */
const user = 'postgres';

const newestPrograms = async (): Promise<string> => {
  const versions = (await readdir(versionsFolder)).map(Number).filter(Number.isInteger);
  return join(versionsFolder, String(Math.max(...versions)), 'bin');
};

const numberOf = (flag: '-u' | '-g'): number =>
  Number(spawnSync('id', [flag, user], { env: builtEnv(), encoding: 'utf8' }).stdout);

export const startPostgres = async (): Promise<OwnPostgres> => {
  const programs = await newestPrograms();
  const folder = await mkdtemp(join(tmpdir(), 'rc-postgres-'));
  const data = join(folder, 'data');
  const passwordFile = join(folder, 'password');
  const password = randomBytes(12).toString('hex');
  const owner = process.getuid?.() === 0 ? { uid: numberOf('-u'), gid: numberOf('-g') } : {};
  await mkdir(data, { mode: 0o700 });
  await writeFile(passwordFile, password);
  if (owner.uid !== undefined) for (const path of [folder, data, passwordFile]) await chown(path, owner.uid, owner.gid);
  await chmod(folder, 0o700);

  const options = { ...owner, env: builtEnv(), cwd: '/' };
  const command = ['--pgdata', data, '--username', 'remote', '--auth', 'scram-sha-256', '--pwfile', passwordFile];
  const made = spawnSync(join(programs, 'initdb'), [...command, '--encoding', 'UTF8', '--locale', 'C'], {
    ...options,
    encoding: 'utf8',
  });
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`);
  const port = await freePort();
  const settings = { port, listen_addresses: '127.0.0.1', unix_socket_directories: '', fsync: 'off' };
  const child: ChildProcess = spawn(
    join(programs, 'postgres'),
    ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    { ...options, stdio: 'ignore' },
  );
  const url = `postgres://remote:${password}@127.0.0.1:${port}/postgres`;
  const answers = async (): Promise<boolean> => {
    const client = new pg.Client({ connectionString: url });
    try {
      await client.connect();
      await client.end();
      return true;
    } catch {
      return false;
    }
  };
  const close = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) {
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGQUIT');
      await gone;
    }
    await rm(folder, { recursive: true, force: true });
  };
  await until(answers, { what: 'PostgreSQL to answer' }).catch(async (error: unknown) => {
    await close();
    throw error;
  });
  return { url, close };
};

// One running PostgreSQL: recognised by its data folder, awaited, stopped. It starts none.

import { execFile } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { isErrorCode } from '../files.js';
import { EmbeddedPostgresError } from './embedded-error.js';

export interface SocketConnection {
  /** Folder of the unix socket. */
  host: string;
  port: number;
  user: string;
  database: string;
}

export interface Postmaster {
  pid: number;
  program: string;
  socketDir: string;
}

const pollMs = 25;

/** The live PostgreSQL of this data folder. A pid file that its process no longer stands behind is removed. */
export async function findPostmaster(folder: string): Promise<Postmaster | undefined> {
  const path = join(folder, 'postmaster.pid');
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (isErrorCode(error, 'ENOENT')) return '';
    throw error;
  });
  const lines = text.split('\n');
  const pid = Number(lines[0]);
  if (!Number.isSafeInteger(pid) || pid <= 1) return undefined;
  const command = await postmasterCommand(pid, folder);
  if (command !== undefined) return { pid, program: command[0] ?? '', socketDir: lines[4] ?? '' };
  // PostgreSQL itself would refuse to start while the pid of the file belongs to any process of the same user.
  await rm(path, { force: true });
  return undefined;
}

export async function isRunning(pid: number, folder: string): Promise<boolean> {
  return (await postmasterCommand(pid, folder)) !== undefined;
}

/**
 * Its command line, or undefined where the pid is free, a zombie's or another program's. The command line is what
 * every user may read: /proc/<pid>/cwd needs a capability that root in a container does not have.
 */
async function postmasterCommand(pid: number, folder: string): Promise<string[] | undefined> {
  const text =
    process.platform === 'linux'
      ? await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
      : await promisify(execFile)('ps', ['-ww', '-o', 'command=', '-p', String(pid)]).then(
          ({ stdout }) => stdout.trim().replace(' -D ', '\0-D\0').replace(`\0${folder} `, `\0${folder}\0`),
          () => '',
        );
  const command = text.split('\0');
  const at = command.indexOf('-D');
  return at > 0 && command[at + 1] === folder ? command : undefined;
}

/** `ready` when it accepts connections, `gone` when the process ended before that. Recovery after a crash takes its time. */
export async function waitUntilReady(
  postmaster: { pid: number; folder: string },
  connection: SocketConnection,
  timeoutMs: number,
): Promise<'ready' | 'gone'> {
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    const refusal = await probe(connection);
    if (refusal === undefined) return 'ready';
    if (!(await isRunning(postmaster.pid, postmaster.folder))) return 'gone';
    if (performance.now() > deadlineMs) {
      throw new EmbeddedPostgresError(
        `PostgreSQL (process ${postmaster.pid}) does not accept connections after ${timeoutMs / 1000} s: ${refusal}`,
      );
    }
    await delay(pollMs);
  }
}

async function probe(connection: SocketConnection): Promise<string | undefined> {
  const client = new pg.Client({ ...connection, ssl: false, connectionTimeoutMillis: 5000 });
  client.on('error', () => {});
  try {
    await client.connect();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    await client.end().catch(() => {});
  }
}

/** Ends it in fast mode (transactions are rolled back, data is written), and at once if that takes too long. */
export async function stopPostmaster(pid: number, folder: string, graceMs: number): Promise<void> {
  for (const signal of ['SIGINT', 'SIGQUIT', 'SIGKILL'] as const) {
    if (!(await isRunning(pid, folder))) return;
    try {
      process.kill(pid, signal);
    } catch (error) {
      if (!isErrorCode(error, 'ESRCH')) throw error;
    }
    const deadlineMs = performance.now() + graceMs;
    while (performance.now() < deadlineMs) {
      if (!(await isRunning(pid, folder))) return;
      await delay(pollMs);
    }
  }
  throw new EmbeddedPostgresError(`PostgreSQL (process ${pid}) does not end.`);
}

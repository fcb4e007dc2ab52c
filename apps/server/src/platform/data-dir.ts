// The data folder: its places and their modes, the run folder for sockets, one server at a time.
// It does not know what is stored in them.

import { createHash } from 'node:crypto';
import { chmod, lstat, mkdir, realpath, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { tryFileLock } from './file-lock.js';

/** Longest path of a unix socket. Node cuts a longer one in silence and listens elsewhere. */
export const maxSocketPathBytes = process.platform === 'darwin' ? 103 : 107;

// What is kept free in the run folder's path for names below it: `/sessions/<uuid>/agent.sock` and a little more.
const reservedSocketBytes = 62;

export interface DataDir {
  path: string;
  /** Secrets: entered by the server's own user only. */
  secretsDir: string;
  /** Short folder for sockets; its content means nothing after a reboot. */
  runDir: string;
  logsDir: string;
  /** Copies of programs that other users run, one folder per version. */
  runtimeDir: string;
  sessionsDir: string;
  /** Path of a socket in the run folder; throws where it is too long to be used. */
  socketPath(...names: string[]): string;
  close(): Promise<void>;
}

/** Something about the folder that a person must mend; its sentence says what. `code` tells it from a bug. */
export class DataDirError extends Error {
  readonly code = 'DATA_DIR';
}

export function defaultDataDir(user: { uid: number; home: string }): string {
  return user.uid === 0 ? '/var/lib/remote-claude' : join(user.home, '.remote-claude');
}

/** Makes what is missing and locks the folder for this process until `close` or its end. */
export async function openDataDir(wanted: string): Promise<DataDir> {
  const root = process.getuid?.() === 0;
  // As root, sessions and PostgreSQL run as other users, who pass through without listing.
  const passable = root ? 0o711 : 0o700;
  await makeFolder(wanted, passable);
  const path = await realpath(wanted);
  if (root) await requirePassable(path);

  const lock = await tryFileLock(join(path, 'lock'));
  if ('heldBy' in lock) {
    throw new DataDirError(
      `The data folder ${path} is in use by another server (process ${lock.heldBy || 'unknown'}). ` +
        'Stop that one first, or choose another folder with --data-dir.',
    );
  }
  try {
    const places = await makePlaces(path, passable);
    return { path, ...places, socketPath: (...names) => checkedSocketPath(places.runDir, names), close: lock.release };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

export interface SharedDir {
  path: string;
  /** Short folder for sockets; its content means nothing after a reboot. */
  runDir: string;
}

/** A folder that several servers of this machine use side by side; each has a data folder of its own beside it. */
export async function openSharedDir(wanted: string): Promise<SharedDir> {
  const root = process.getuid?.() === 0;
  const passable = root ? 0o711 : 0o700;
  await makeFolder(wanted, passable);
  const path = await realpath(wanted);
  if (root) await requirePassable(path);
  return { path, runDir: await chooseRunDir(path, passable) };
}

async function makePlaces(path: string, passable: number) {
  const places = {
    secretsDir: join(path, 'secrets'),
    logsDir: join(path, 'logs'),
    runtimeDir: join(path, 'runtime'),
    sessionsDir: join(path, 'sessions'),
    runDir: await chooseRunDir(path, passable),
  };
  await makeFolder(places.secretsDir, 0o700);
  await makeFolder(places.logsDir, 0o700);
  await makeFolder(places.runtimeDir, passable);
  await makeFolder(places.sessionsDir, passable);
  return places;
}

/** `<data folder>/run` where sockets below it have short enough paths, else a folder of the system's, named by a hash. */
async function chooseRunDir(path: string, mode: number): Promise<string> {
  const digest = createHash('sha256').update(path).digest('hex').slice(0, 12);
  const candidates = [
    join(path, 'run'),
    process.getuid?.() === 0 ? join('/run/remote-claude', digest) : join(tmpdir(), `remote-claude-${digest}`),
    join('/tmp', `remote-claude-${digest}`),
  ];
  const runDir = candidates.find(
    (candidate) => Buffer.byteLength(candidate) + reservedSocketBytes <= maxSocketPathBytes,
  );
  if (runDir === undefined)
    throw new DataDirError(`No folder for sockets has a short enough path: ${candidates.join(', ')}.`);
  const parent = dirname(runDir);
  if (parent === '/run/remote-claude') await makeFolder(parent, mode);
  await makeFolder(runDir, mode);
  // In a folder where anyone may write, a link could have been laid before us.
  if ((await lstat(runDir)).isSymbolicLink())
    throw new DataDirError(`${runDir} is a link: remove it, or use a shorter data folder.`);
  return runDir;
}

/** Makes the folder with this mode, or mends the mode of one of ours. Another user's folder is refused. */
async function makeFolder(path: string, mode: number): Promise<void> {
  // Parents that are missing get the usual mode; only the last one is ours alone.
  await mkdir(dirname(path), { recursive: true, mode: 0o755 });
  await mkdir(path, { mode }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST') return;
    throw new DataDirError(`Cannot make the folder ${path}: ${error.message}`, { cause: error });
  });
  const found = await stat(path);
  if (!found.isDirectory()) throw new DataDirError(`${path} is not a folder.`);
  const uid = process.getuid?.();
  if (uid !== undefined && found.uid !== uid) {
    throw new DataDirError(
      `The folder ${path} belongs to user ${found.uid}, the server runs as ${uid}: give it to that user.`,
    );
  }
  if ((found.mode & 0o777) !== mode) await chmod(path, mode);
}

async function requirePassable(path: string): Promise<void> {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    if (((await stat(folder)).mode & 0o001) === 0) {
      throw new DataDirError(
        `Other users cannot pass through ${folder}, and as root PostgreSQL and sessions run as other users. ` +
          `Choose another data folder (/var/lib/remote-claude is the usual one), or allow it: chmod o+x ${folder}`,
      );
    }
    if (folder === dirname(folder)) return;
  }
}

function checkedSocketPath(runDir: string, names: string[]): string {
  const path = join(runDir, ...names);
  if (Buffer.byteLength(path) > maxSocketPathBytes) {
    throw new DataDirError(
      `The socket path ${path} is longer than ${maxSocketPathBytes} bytes: use a shorter data folder.`,
    );
  }
  return path;
}

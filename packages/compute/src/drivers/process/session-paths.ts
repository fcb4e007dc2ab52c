/**
 * Where a session's disk, sockets and the driver's own notes lie on the host, and who may enter what. It does not know
 * what a place sees of them.
 */
import { createHash } from 'node:crypto';
import { chmodSync, chownSync, existsSync, mkdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { maxSocketPathBytes } from '../../address.js';
import { ComputeError } from '../../driver.js';
import { isId } from '../../place-id.js';

export interface Roots {
  /** Sessions' disks and the driver's store. */
  dataDir: string;
  /** Sockets; short, see `checkSocketPaths`. */
  runDir: string;
}

export interface SessionPaths {
  /** Short name of the session on this host, unique per data folder: sockets and cgroups. */
  key: string;
  /** All that outlives a place, and goes with `destroy`. */
  root: string;
  workspace: string;
  home: string;
  state: string;
  log: string;
  /** The driver's notes; only the server's own user may enter. */
  notes: string;
  run: string;
  /** The session writes here. */
  agentFolder: string;
  agentSocket: string;
  /** The server writes here, the session only enters. */
  gatewayFolder: string;
  gatewaySocket: string;
}

export interface Owner {
  uid: number;
  gid: number;
}

export function sessionPaths(roots: Roots, sessionId: string): SessionPaths {
  if (!isId(sessionId)) throw new ComputeError('bad_spec', 'A session id has 1 to 64 letters, digits, "_" or "-".');
  const key = createHash('sha256').update(`${roots.dataDir}\0${sessionId}`).digest('hex').slice(0, 12);
  const root = join(roots.dataDir, 'sessions', sessionId);
  const run = join(roots.runDir, key);
  return {
    key,
    root,
    workspace: join(root, 'workspace'),
    home: join(root, 'home'),
    state: join(root, 'state'),
    log: join(root, 'log'),
    notes: join(root, 'driver'),
    run,
    agentFolder: join(run, 'a'),
    agentSocket: join(run, 'a', 'agent.sock'),
    gatewayFolder: join(run, 'g'),
    gatewaySocket: join(run, 'g', 'gateway.sock'),
  };
}

/** The sentence that explains a run folder which is too long, or null. */
export function socketPathProblem(roots: Roots): string | null {
  const longest = sessionPaths(roots, 'any').gatewaySocket;
  const bytes = Buffer.byteLength(longest);
  if (bytes <= maxSocketPathBytes) return null;
  const most = maxSocketPathBytes - (bytes - Buffer.byteLength(roots.runDir));
  return `The run folder ${roots.runDir} is too long for unix sockets: it has ${Buffer.byteLength(roots.runDir)} bytes and may have ${most}.`;
}

/** Folders above the sessions: others pass through, and see no names. */
export function makeSharedFolders(roots: Roots): void {
  for (const folder of [roots.dataDir, roots.runDir]) mkdirSync(folder, { recursive: true, mode: 0o711 });
  for (const folder of ['sessions', 'driver']) makeFolder(join(roots.dataDir, folder), 0o711);
}

/** The session's disk and its socket folder, which was removed before. The disk's own parent is never the session's: it cannot swap a part. */
export function makeSessionFolders(paths: SessionPaths, owner: Owner): void {
  const group = { uid: process.getuid?.() ?? 0, gid: owner.gid };
  makeFolder(paths.root, 0o710, group);
  for (const folder of [paths.workspace, paths.home, paths.state]) makeFolder(folder, 0o700, owner);
  for (const folder of [paths.log, paths.notes]) makeFolder(folder, 0o700);
  makeFolder(paths.run, 0o710, group);
  makeFolder(paths.agentFolder, 0o700, owner);
  makeFolder(paths.gatewayFolder, 0o750, group);
}

/** Which folders of a disk that was made are not there, as seen from the data folder. */
export function missingOf(roots: Roots, { root, workspace, home, state, notes }: SessionPaths): string[] {
  // The notes tell it from one that something else has made.
  const missing = existsSync(notes) ? [workspace, home, state].filter((folder) => !existsSync(folder)) : [root];
  return missing.map((folder) => relative(roots.dataDir, folder));
}

function makeFolder(path: string, mode: number, owner?: Owner): void {
  mkdirSync(path, { recursive: true, mode });
  if (owner !== undefined && process.getuid?.() === 0) chownSync(path, owner.uid, owner.gid);
  chmodSync(path, mode); // mkdir's mode is cut by the umask
}

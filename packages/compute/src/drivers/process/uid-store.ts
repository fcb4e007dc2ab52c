/**
 * A uid of its own for every session, from a range that belongs to this folder alone. One file per uid names its
 * session; making it is exclusive, so that two cannot take the same. It does not know what the uid is used for.
 */
import { linkSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ComputeError } from '../../driver.js';

export interface UidRange {
  first: number;
  count: number;
}

export interface UidStore {
  /** The session's uid, taken now if it has none. */
  take(sessionId: string): number;
  free(sessionId: string): void;
}

export function createUidStore(folder: string, range: UidRange): UidStore {
  const { first, count } = range;
  const last = first + count - 1;
  if (!Number.isInteger(first) || !Number.isInteger(count) || first < 1000 || count < 1 || last > 0xffff_fff0) {
    throw new ComputeError(
      'not_ready',
      `The uid range ${first}+${count} is not usable: take numbers from 1000 up that no account has.`,
    );
  }
  // What was read: servers that share the folder take and free uids beside us, and the files are the truth.
  let owners: Map<number, string> | null = null;
  const load = () => (owners ??= readOwners(folder));

  const find = (sessionId: string): number | null => {
    for (const [uid, owner] of load()) if (owner === sessionId && uid >= first && uid <= last) return uid;
    return null;
  };

  const take = (sessionId: string): number => {
    const before = find(sessionId);
    if (before !== null && ownerOf(join(folder, String(before))) === sessionId) return before;
    owners = null;
    const now = find(sessionId);
    if (now !== null) return now;
    const known = load();
    const draft = join(folder, `.draft-${process.pid}`);
    writeFileSync(draft, sessionId, { mode: 0o600 });
    try {
      for (let uid = first; uid <= last; uid++) {
        if (known.has(uid)) continue;
        if (!linkedAnew(draft, join(folder, String(uid)))) {
          known.set(uid, ownerOf(join(folder, String(uid))) ?? '');
          continue;
        }
        known.set(uid, sessionId);
        return uid;
      }
    } finally {
      rmSync(draft, { force: true });
    }
    throw new ComputeError(
      'not_ready',
      `All ${count} uids of the range are taken: delete sessions, or widen the range.`,
    );
  };

  const free = (sessionId: string): void => {
    owners = null;
    const known = load();
    for (const [uid, owner] of known) {
      if (owner !== sessionId) continue;
      rmSync(join(folder, String(uid)), { force: true });
      known.delete(uid);
    }
  };
  return { take, free };
}

function readOwners(folder: string): Map<number, string> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const names = readdirSync(folder).filter((name) => /^\d+$/.test(name));
  return new Map(
    names.flatMap((name): [number, string][] => {
      const owner = ownerOf(join(folder, name));
      return owner === null ? [] : [[Number(name), owner]];
    }),
  );
}

/** null where it was freed. */
function ownerOf(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

function linkedAnew(draft: string, path: string): boolean {
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/**
 * Saves a file so that a kill at any moment leaves the old content or the new one, whole: a temporary file beside it,
 * synced, then renamed, then the folder synced. Never last-writer-wins: a save names the version that it replaces.
 * It does not know where the bytes come from.
 */
import { randomBytes } from 'node:crypto';
import { constants, fstatSync, lstatSync, type BigIntStats } from 'node:fs';
import { link, open, rename, unlink, type FileHandle } from 'node:fs/promises';

import { AppError, type FileNode } from '@remote-claude/contract';

import { codeOf } from './failures.js';
import { etagOf, nodeOf, tidy } from './node.js';
import { inFolder, itself, type Found, type WorkTree } from './work-tree.js';

const prefix = '.rc-save-';
const savingNow = new Set<string>();
/** Whether only a save bears such a name. */
export const mayBeLeftover = (name: Buffer): boolean =>
  name.length === prefix.length + 16 && name.toString('latin1').startsWith(prefix);
/** A name for what is being written, in the folder where it will bear another. Whoever lists or captures passes it over. */
export const temporaryName = (): { name: Buffer; release(): void } => {
  const text = prefix + randomBytes(8).toString('hex');
  savingNow.add(text);
  return { name: Buffer.from(text), release: () => void savingNow.delete(text) };
};
export const isSaving = (name: Buffer): boolean => savingNow.has(name.toString('latin1'));

export type Content = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

export interface SaveOptions {
  /** The etag that is replaced; null for a file that must not exist yet. */
  ifMatch: string | null;
  /** Make the folders above it. */
  makeFolders?: boolean;
}

/** What is there now, under the name: looked at without following, as the walk has done that. */
const current = (place: Found): BigIntStats | null => {
  try {
    return lstatSync(inFolder(place.parent, place.name), { bigint: true });
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  }
};

/** Throws unless what is there is what the save replaces. */
export const checkVersion = (stat: BigIntStats | null, ifMatch: string | null): void => {
  if (stat && !stat.isFile())
    throw new AppError('wrong_kind', { message: 'There is something here that is not a file with content.' });
  const etag = stat ? etagOf(stat) : null;
  if (etag === ifMatch) return;
  throw new AppError('edit_conflict', {
    etag,
    ...(stat ? { size: Number(stat.size), modifiedAt: new Date(Number(stat.mtimeMs)).toISOString() } : {}),
    ...(stat
      ? {}
      : {
          message: 'This file was deleted or moved since you opened it. Your version is kept; save it as a new file.',
        }),
  });
};

/** Makes what happened in a folder outlive a power cut. */
export const syncFolder = async (folder: number): Promise<void> => {
  const handle = await open(itself(folder), constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};

/** Gives `from` the name `to` where nothing bears it: atomic where the disk has hard links. Throws EEXIST. */
export const renameToFree = async (from: Buffer | string, to: Buffer): Promise<void> => {
  try {
    await link(from, to);
  } catch (error) {
    if (!['EPERM', 'ENOTSUP', 'EMLINK', 'ENOSYS'].includes(codeOf(error) ?? '')) throw error;
    try {
      lstatSync(to);
    } catch (missing) {
      if (codeOf(missing) !== 'ENOENT') throw missing;
      return rename(from, to);
    }
    throw Object.assign(new Error('exists', { cause: error }), { code: 'EEXIST' });
  }
  await unlink(from);
};

/** Moves a finished file to its name, if that still bears the version that it replaces. */
export const takePlace = async (place: Found, from: Buffer | string, ifMatch: string | null): Promise<void> => {
  const stat = current(place);
  checkVersion(stat, ifMatch);
  const to = inFolder(place.parent, place.name);
  if (stat) return rename(from, to);
  try {
    await renameToFree(from, to);
  } catch (error) {
    if (codeOf(error) === 'EEXIST') checkVersion(current(place), ifMatch);
    throw error;
  }
};

const writeAll = async (handle: FileHandle, content: Content): Promise<void> => {
  for await (const chunk of content) {
    for (let done = 0; done < chunk.length;) done += (await handle.write(chunk, done)).bytesWritten;
  }
};

/** Saves to one name wait for one another, so that of two with the same version the second sees the first. */
const turns = new Map<string, Promise<unknown>>();
export const inTurn = async <T>({ gate }: WorkTree, place: Found, act: () => Promise<T>): Promise<T> => {
  const folder = fstatSync(place.parent, { bigint: true });
  const key = `${folder.dev}-${folder.ino}-${place.name.toString('latin1')}`;
  const before = turns.get(key) ?? Promise.resolve();
  const sinceMs = performance.now();
  const passing = (): Promise<T> => gate.shared(act, sinceMs);
  const mine = before.then(passing, passing);
  turns.set(key, mine);
  try {
    return await mine;
  } finally {
    if (turns.get(key) === mine) turns.delete(key);
  }
};

const saveHere = async (
  tree: WorkTree,
  path: string,
  { place, content, ifMatch }: { place: Found; content: Content; ifMatch: string | null },
): Promise<FileNode> => {
  const temporary = temporaryName();
  const address = inFolder(place.parent, temporary.name);
  let handle: FileHandle | null = null;
  try {
    handle = await open(
      address,
      constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
      0o666,
    );
    await writeAll(handle, content);
    if (place.stat) await handle.chmod(Number(place.stat.mode) & 0o7777);
    await handle.sync();
    const stat = fstatSync(handle.fd, { bigint: true });
    await inTurn(tree, place, () => takePlace(place, address, ifMatch));
    await syncFolder(place.parent);
    return nodeOf(tidy(path), stat, null);
  } catch (error) {
    await unlink(address).catch(() => {});
    throw error;
  } finally {
    temporary.release();
    await handle?.close().catch(() => {});
  }
};

/** Through a link the file that it points to is replaced, not the link. */
export const saveFile = (tree: WorkTree, path: string, content: Content, options: SaveOptions): Promise<FileNode> =>
  tree.within(path, { follow: true, makeFolders: options.makeFolders ?? false }, (place) => {
    if (place.name.length === 0) throw new AppError('wrong_kind', { message: 'This is a folder.' });
    if (mayBeLeftover(place.name))
      throw new AppError('path_refused', { message: 'Names that begin so are used while files are saved.' });
    checkVersion(place.stat, options.ifMatch);
    return saveHere(tree, path, { place, content, ifMatch: options.ifMatch });
  });

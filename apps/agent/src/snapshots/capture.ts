/**
 * Walks the work tree and writes it down as objects: files, links, folders, modes. Each folder is entered by a descriptor
 * that is not a link's, so nothing outside is read. It changes nothing, and does not know what a capture is for.
 */
import { closeSync, constants, fstatSync, lstatSync, openSync, readlinkSync, type BigIntStats } from 'node:fs';
import { readdir } from 'node:fs/promises';

import type { CheckpointSkip } from '@remote-claude/contract';

import { codeOf, inFolder, itself, mayBeLeftover, openPath, type WorkTree } from '../files/index.js';
import { createBreath } from './breath.js';
import { encodeFolder, hashOf, skippedEntry, type Entry, type Hash } from './objects.js';
import { readContent } from './read-content.js';
import { isLeftOut, saysLeftOut } from './rule.js';
import { cachedOf, emptyFolder, hasSameContent, isUnchanged, type CachedFolder, type StatCache } from './stat-cache.js';
import type { ObjectWriter } from './store.js';

export interface Captured {
  root: Hash;
  cache: StatCache;
  files: number;
  folders: number;
  /** Of files' contents, as they lie in the work tree. */
  bytes: number;
  /** Files that were read, since the capture before. */
  filesRead: number;
  /** What could not be kept, and why; no more than a few by name. */
  skipped: { count: number; items: CheckpointSkip[] };
  /** Folders that the rule leaves out. */
  leftOut: number;
}

/** Bytes of contents that the store does not hold yet. */
export interface Room {
  /** Without looking closer. */
  atOnce: number;
  /** Once all is gone that may go. Asked at most once, where `atOnce` does not do. */
  afterCollection(): Promise<number>;
  /** On top, for small files: what is edited by hand is kept also where large ones have filled the store. */
  forSmall: number;
}

export interface CaptureOptions {
  tree: WorkTree;
  writer: ObjectWriter;
  before: StatCache | null;
  maxFileBytes: number;
  room: Room;
  signal: AbortSignal;
  now?: () => number;
}

/** Up to here a file is small. */
const smallBytes = 256 * 1024;
const maxDepth = 400;
const maxNamed = 20;
export const maxShownPath = 500;
const folderFlags = openPath | constants.O_NOFOLLOW | constants.O_DIRECTORY;

export const captureTree = async (options: CaptureOptions): Promise<Captured> => {
  const { tree, writer, before, maxFileBytes, room, signal, now = Date.now } = options;
  const breath = createBreath(signal);
  const seen = { files: 0, folders: 0, bytes: 0, filesRead: 0, leftOut: 0 };
  const skipped: Captured['skipped'] = { count: 0, items: [] };
  const path: Buffer[] = [];

  const skip = (name: Buffer, why: CheckpointSkip['why']): Entry => {
    skipped.count += 1;
    if (skipped.items.length < maxNamed) {
      const shown = [...path, name].map(String).join('/');
      skipped.items.push({ path: shown.slice(0, maxShownPath), why });
    }
    return skippedEntry(name.toString('latin1'), why);
  };

  let closerRoom: number | null = null;
  const hasRoom = async (size: number): Promise<boolean> => {
    const wanted = writer.newBytes + size;
    if (wanted <= (closerRoom ?? room.atOnce)) return true;
    closerRoom ??= Math.max(room.atOnce, await room.afterCollection());
    return wanted <= closerRoom + (size <= smallBytes ? room.forSmall : 0);
  };
  /** For what has no room: a content that the store holds already needs none. */
  const onlyKnown: Pick<ObjectWriter, 'put'> = {
    put: (content) => {
      const hash = hashOf(content);
      return writer.has(hash) ? Promise.resolve(hash) : Promise.reject(new NoRoomError());
    },
  };

  const file = async (
    folder: number,
    name: Buffer,
    { stat, last, cache }: { stat: BigIntStats; last: CachedFolder | undefined; cache: CachedFolder },
  ): Promise<Entry | null> => {
    const key = name.toString('latin1');
    const mode = Number(stat.mode) & 0o7777;
    const known = last?.files.get(key);
    const reuse = (): Entry | null => {
      if (known === undefined) return null;
      cache.files.set(key, known);
      count(known.size);
      return { name: key, kind: known.isChunked ? 'chunked' : 'file', mode, size: known.size, hash: known.hash };
    };
    if (known !== undefined && isUnchanged(known, stat)) return reuse();
    if (stat.size > BigInt(maxFileBytes)) return skip(name, 'too-large');
    const into = (await hasRoom(Number(stat.size))) ? writer : onlyKnown;
    const readAtMs = now();
    try {
      const read = await readContent(inFolder(folder, name), { writer: into, breath });
      if (read === null) return null;
      const { hash, isChunked, size } = read;
      if (read.isUnsteady) skip(name, 'changing');
      seen.filesRead += 1;
      count(size);
      cache.files.set(key, {
        ...cachedOf(read.stat, { hash, isChunked }, readAtMs),
        ...(read.isUnsteady && { ctimeNs: 0n }),
      });
      return { name: key, kind: isChunked ? 'chunked' : 'file', mode: Number(read.stat.mode) & 0o7777, size, hash };
    } catch (error) {
      if (error instanceof NoRoomError) return skip(name, 'no-room');
      // Its mode was taken away and nothing else: what it held is known.
      if (isRefusal(error))
        return (known !== undefined && hasSameContent(known, stat) ? reuse() : null) ?? skip(name, 'unreadable');
      if (isGone(error)) return null;
      throw error;
    }
  };
  const count = (size: number): void => {
    seen.files += 1;
    seen.bytes += size;
  };

  const link = async (folder: number, name: Buffer): Promise<Entry | null> => {
    const target = readlinkSync(inFolder(folder, name), { encoding: 'buffer' });
    seen.files += 1;
    return {
      name: name.toString('latin1'),
      kind: 'link',
      mode: 0,
      size: target.length,
      hash: await writer.put(target),
    };
  };

  const inner = async (
    folder: number,
    name: Buffer,
    { last, cache }: { last: CachedFolder | undefined; cache: CachedFolder },
  ): Promise<Entry | null> => {
    const key = name.toString('latin1');
    if (path.length >= maxDepth) return skip(name, 'too-deep');
    const descriptor = openSync(inFolder(folder, name), folderFlags);
    path.push(name);
    const own = emptyFolder();
    let hash: Awaited<ReturnType<typeof contents>>;
    let mode: number;
    try {
      hash = await contents(descriptor, last?.folders.get(key), own);
      mode = Number(fstatSync(descriptor).mode) & 0o7777;
    } finally {
      path.pop();
      closeSync(descriptor);
    }
    if (hash === 'unreadable') return skip(name, hash);
    if (hash === null) return null;
    cache.folders.set(key, own);
    return { name: key, kind: 'folder', mode, size: 0, hash };
  };

  const entryOf = async (
    folder: number,
    name: Buffer,
    around: { last: CachedFolder | undefined; cache: CachedFolder },
  ): Promise<Entry | null> => {
    try {
      const stat = lstatSync(inFolder(folder, name), { bigint: true });
      if (stat.isFile()) return await file(folder, name, { stat, ...around });
      if (stat.isSymbolicLink()) return await link(folder, name);
      if (!stat.isDirectory()) return skip(name, 'special');
      if (!isLeftOut(name.toString('latin1'))) return await inner(folder, name, around);
      seen.leftOut += 1;
      return null;
    } catch (error) {
      // It went away, or became something else, since its name was read.
      if (isGone(error)) return null;
      if (isRefusal(error)) return skip(name, 'unreadable');
      throw error;
    }
  };

  /** The hash of a folder's list, or `unreadable`; null where it is left out. */
  const contents = async (
    descriptor: number,
    last: CachedFolder | undefined,
    cache: CachedFolder,
  ): Promise<Hash | null> => {
    const names = await readdir(itself(descriptor), { encoding: 'buffer' }).catch((error: unknown) => {
      if (!isRefusal(error)) throw error;
      return null;
    });
    if (names === null) return 'unreadable';
    if (path.length > 0 && saysLeftOut(names)) {
      seen.leftOut += 1;
      return null;
    }
    const entries: Entry[] = [];
    for (const name of names.sort((a, b) => Buffer.compare(a, b))) {
      await breath();
      if (mayBeLeftover(name)) continue;
      const entry = await entryOf(descriptor, name, { last, cache });
      if (entry !== null) entries.push(entry);
    }
    seen.folders += 1;
    return writer.put(encodeFolder(entries));
  };

  return tree.within('', { follow: false }, async (root) => {
    const cache = emptyFolder();
    const hash = await contents(root.self, before?.tree, cache);
    if (hash === null || hash === 'unreadable') throw new Error('The work tree itself cannot be read.');
    const { files, bytes, filesRead, leftOut } = seen;
    const folders = seen.folders - 1;
    return { root: hash, cache: { root: hash, tree: cache }, files, folders, bytes, filesRead, skipped, leftOut };
  });
};

class NoRoomError extends Error {}

const isGone = (error: unknown): boolean => ['ENOENT', 'ENOTDIR', 'ELOOP', 'EINVAL'].includes(codeOf(error) ?? '');
const isRefusal = (error: unknown): boolean => ['EACCES', 'EPERM'].includes(codeOf(error) ?? '');

/**
 * What the last capture saw of each file, so that the next one reads only what changed. A file counts as unchanged while
 * size, both times in nanoseconds and inode are the same. It is a shortcut: without it everything is read again.
 *
 * The change time cannot be set by a program, so it betrays every write; but only as finely as the disk's clock ticks.
 * What was changed just before it was read may be changed again within the same tick, so it is not trusted.
 */
import type { BigIntStats } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';

import { createBreath } from './breath.js';
import { hashBytes, hashOf, type Hash } from './objects.js';

export interface CachedFile {
  size: number;
  mtimeNs: bigint;
  /** 0 where it is not trusted. */
  ctimeNs: bigint;
  ino: bigint;
  isChunked: boolean;
  hash: Hash;
}

/** By name in latin1. */
export interface CachedFolder {
  files: Map<string, CachedFile>;
  folders: Map<string, CachedFolder>;
}

export interface StatCache {
  root: Hash;
  tree: CachedFolder;
}

/** Longer than a tick of any kernel's clock. */
const tickMs = 50;
const nsPerMs = 1_000_000n;

export const emptyFolder = (): CachedFolder => ({ files: new Map(), folders: new Map() });

/** `readAtMs` is when reading began, by the clock that the disk's times come from. */
export const cachedOf = (
  stat: BigIntStats,
  { hash, isChunked }: { hash: Hash; isChunked: boolean },
  readAtMs: number,
): CachedFile => ({
  size: Number(stat.size),
  mtimeNs: stat.mtimeNs,
  ctimeNs: stat.ctimeNs < BigInt(readAtMs - tickMs) * nsPerMs ? stat.ctimeNs : 0n,
  ino: stat.ino,
  isChunked,
  hash,
});

/** The content is what it was: nobody wrote since. */
export const isUnchanged = (cached: CachedFile, stat: BigIntStats): boolean =>
  cached.ctimeNs === stat.ctimeNs && hasSameContent(cached, stat);

/** As far as can be told without the change time, for what cannot be read any more. */
export const hasSameContent = (cached: CachedFile, stat: BigIntStats): boolean =>
  cached.mtimeNs === stat.mtimeNs && cached.ino === stat.ino && cached.size === Number(stat.size);

const mark = { file: 1, chunked: 2, folder: 3, end: 4 } as const;
const fileBytes = 6 + 8 + 8 + 8 + hashBytes;

/** The hash of the rest, the root, the tree. Torn or changed, it is not taken. Not synced: it is worth little. */
export const saveCache = async (path: string, cache: StatCache, signal: AbortSignal): Promise<void> => {
  const breath = createBreath(signal);
  const parts: Buffer[] = [Buffer.from(cache.root, 'latin1')];
  const named = (kind: number, name: string, more: number): Buffer => {
    const bytes = Buffer.allocUnsafe(3 + name.length + more);
    bytes.writeUInt8(kind, 0);
    bytes.writeUInt16BE(name.length, 1);
    bytes.write(name, 3, 'latin1');
    return bytes;
  };
  const add = async ({ files, folders }: CachedFolder): Promise<void> => {
    for (const [name, file] of files) {
      const bytes = named(file.isChunked ? mark.chunked : mark.file, name, fileBytes);
      let at = bytes.writeUIntBE(file.size, 3 + name.length, 6);
      at = bytes.writeBigInt64BE(file.mtimeNs, at);
      at = bytes.writeBigInt64BE(file.ctimeNs, at);
      at = bytes.writeBigUInt64BE(file.ino, at);
      bytes.write(file.hash, at, 'latin1');
      parts.push(bytes);
    }
    for (const [name, folder] of folders) {
      parts.push(named(mark.folder, name, 0));
      await add(folder);
    }
    parts.push(Buffer.from([mark.end]));
    await breath();
  };
  await add(cache.tree);
  const body = Buffer.concat(parts);
  await writeFile(`${path}.new`, Buffer.concat([Buffer.from(hashOf(body), 'latin1'), body]), { mode: 0o600 });
  await rename(`${path}.new`, path);
};

/** Null where there is none that can be used. */
export const loadCache = async (path: string): Promise<StatCache | null> => {
  const bytes = await readFile(path).catch(() => null);
  if (bytes === null || bytes.length < 2 * hashBytes) return null;
  const body = bytes.subarray(hashBytes);
  if (hashOf(body) !== bytes.toString('latin1', 0, hashBytes)) return null;
  let at = hashBytes;
  const take = (): CachedFolder => {
    const folder = emptyFolder();
    for (;;) {
      const kind = body.readUInt8(at);
      if (kind === mark.end) {
        at += 1;
        return folder;
      }
      const nameEnd = at + 3 + body.readUInt16BE(at + 1);
      const name = body.toString('latin1', at + 3, nameEnd);
      at = nameEnd;
      if (kind === mark.folder) folder.folders.set(name, take());
      else {
        folder.files.set(name, {
          size: body.readUIntBE(at, 6),
          mtimeNs: body.readBigInt64BE(at + 6),
          ctimeNs: body.readBigInt64BE(at + 14),
          ino: body.readBigUInt64BE(at + 22),
          isChunked: kind === mark.chunked,
          hash: body.toString('latin1', at + 30, at + fileBytes),
        });
        at += fileBytes;
      }
    }
  };
  try {
    return { root: body.toString('latin1', 0, hashBytes), tree: take() };
  } catch {
    return null;
  }
};

/**
 * Reads one file into objects: small ones at once, large ones chunk by chunk, never whole in memory. A file that changes
 * meanwhile is read again, a few times. It does not know where the file lies in the tree.
 */
import { closeSync, constants, fstatSync, openSync, readSync, type BigIntStats } from 'node:fs';
import { open } from 'node:fs/promises';

import { chunkBytes, encodeChunks, type Hash } from './objects.js';
import type { ObjectWriter } from './store.js';

export interface ReadFile {
  hash: Hash;
  size: number;
  isChunked: boolean;
  /** As of the reading. */
  stat: BigIntStats;
  /** It changed each time that it was read. */
  isUnsteady: boolean;
}

/** Never through a link, and never waiting for the other end of a pipe that took the name. */
const readFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const tries = 3;
/** Up to here the read is one short call. */
const smallBytes = 256 * 1024;

export interface ReadOptions {
  writer: Pick<ObjectWriter, 'put'>;
  /** Called between chunks. */
  breath(): Promise<void> | undefined;
}

/** Null where the name stands for no file any more. Throws errors of the file system. */
export const readContent = async (address: Buffer, options: ReadOptions): Promise<ReadFile | null> => {
  let last: ReadFile | null = null;
  for (let attempt = 0; attempt < tries; attempt += 1) {
    const file = openSync(address, readFlags);
    let isSmall = true;
    try {
      const before = fstatSync(file, { bigint: true });
      if (!before.isFile()) return null;
      isSmall = before.size <= BigInt(smallBytes);
      if (isSmall) last = { ...(await readSmall(file, Number(before.size), options)), stat: before, isUnsteady: false };
      if (
        last !== null &&
        isSmall &&
        isSame(before, fstatSync(file, { bigint: true })) &&
        last.size === Number(before.size)
      )
        return last;
    } finally {
      closeSync(file);
    }
    if (!isSmall) {
      last = await readLarge(address, options);
      if (last === null || !last.isUnsteady) return last;
    }
  }
  return last === null ? null : { ...last, isUnsteady: true };
};

const isSame = (a: BigIntStats, b: BigIntStats): boolean =>
  a.size === b.size && a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs;

const readSmall = async (
  file: number,
  size: number,
  { writer }: ReadOptions,
): Promise<{ hash: Hash; size: number; isChunked: boolean }> => {
  const bytes = Buffer.allocUnsafe(size);
  let length = 0;
  while (length < size) {
    const read = readSync(file, bytes, length, size - length, length);
    if (read === 0) break;
    length += read;
  }
  return { hash: await writer.put(bytes.subarray(0, length)), size: length, isChunked: false };
};

/** Up to the size that it had at the beginning: a log that grows for ever has an end too. */
const readLarge = async (address: Buffer, { writer, breath }: ReadOptions): Promise<ReadFile | null> => {
  const handle = await open(address, readFlags);
  try {
    const stat = await handle.stat({ bigint: true });
    if (!stat.isFile()) return null;
    const hashes: Hash[] = [];
    let size = 0;
    for (const end = Number(stat.size); size < end;) {
      const chunk = Buffer.allocUnsafe(Math.min(chunkBytes, end - size));
      let length = 0;
      while (length < chunk.length) {
        const { bytesRead } = await handle.read(chunk, length, chunk.length - length, size + length);
        if (bytesRead === 0) break;
        length += bytesRead;
      }
      if (length === 0) break;
      hashes.push(await writer.put(chunk.subarray(0, length)));
      size += length;
      await breath();
      if (length < chunk.length) break;
    }
    const isUnsteady = !isSame(stat, await handle.stat({ bigint: true })) || size !== Number(stat.size);
    const [only] = hashes;
    // A file that fits in one chunk is that chunk, however it was read.
    if (only !== undefined && hashes.length === 1) return { hash: only, size, isChunked: false, stat, isUnsteady };
    return { hash: await writer.put(encodeChunks(hashes)), size, isChunked: true, stat, isUnsteady };
  } finally {
    await handle.close();
  }
};

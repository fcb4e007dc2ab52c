/**
 * One file with many objects: their bytes one after the other, then a sorted index with its checksum. It is written beside
 * its name, synced and renamed, so that a pack is whole or not there. It does not know what the objects are.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';

import { DamagedError, hashBytes, hashOf, type Hash } from './objects.js';

export interface Pack {
  readonly path: string;
  readonly bytes: number;
  readonly count: number;
  has(hash: Hash): boolean;
  /** null where it is not in this pack. Throws `DamagedError` where it is not what its name says. */
  read(hash: Hash): Buffer | null;
  /** Every object's name and length. */
  list(): { hash: Hash; length: number }[];
  close(): void;
}

export interface PackWriter {
  /** Objects that are written so far. */
  has(hash: Hash): boolean;
  put(hash: Hash, content: Buffer): Promise<void>;
  /** Null where nothing was put. The file is durable, but for its folder's entry. */
  finish(): Promise<Pack | null>;
  /** Harmless after `finish`. */
  abandon(): Promise<void>;
}

const magic = Buffer.from('rcpack1\n');
const rowBytes = hashBytes + 6 + 4;
/** Count, where the index begins, its hash, the magic again. */
const footerBytes = 4 + 6 + hashBytes + magic.length;
const bufferBytes = 1024 * 1024;

/** Throws `DamagedError` for what is no whole pack. */
export const openPack = (path: string): Pack => {
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    const footer = readAt(file, Math.max(0, size - footerBytes), footerBytes);
    const count = footer.readUInt32BE(0);
    const indexAt = footer.readUIntBE(4, 6);
    const isWhole =
      footer.subarray(-magic.length).equals(magic) && indexAt + count * rowBytes + footerBytes === size && indexAt >= 8;
    if (!isWhole) throw new DamagedError('a pack is cut');
    const index = readAt(file, indexAt, count * rowBytes);
    if (hashOf(index) !== footer.toString('latin1', 10, 10 + hashBytes)) throw new DamagedError('an index is changed');
    return packOf(path, file, { size, count, index });
  } catch (error) {
    closeSync(file);
    throw error;
  }
};

const packOf = (
  path: string,
  file: number,
  { size, count, index }: { size: number; count: number; index: Buffer },
): Pack => {
  const nameAt = (row: number): string => index.toString('latin1', row * rowBytes, row * rowBytes + hashBytes);
  const find = (hash: Hash): number => {
    let low = 0;
    let high = count - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const name = nameAt(middle);
      if (name === hash) return middle;
      if (name < hash) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  };
  return {
    path,
    bytes: size,
    count,
    has: (hash) => find(hash) >= 0,
    read: (hash) => {
      const row = find(hash);
      if (row < 0) return null;
      const at = row * rowBytes + hashBytes;
      const content = readAt(file, index.readUIntBE(at, 6), index.readUInt32BE(at + 6));
      if (hashOf(content) !== hash) throw new DamagedError('an object is not what its name says');
      return content;
    },
    list: () =>
      Array.from({ length: count }, (_, row) => ({
        hash: nameAt(row),
        length: index.readUInt32BE(row * rowBytes + hashBytes + 6),
      })),
    close: () => closeSync(file),
  };
};

const readAt = (file: number, position: number, length: number): Buffer => {
  if (length > 512 * bufferBytes) throw new DamagedError('an object is larger than any that is written');
  const bytes = Buffer.allocUnsafe(length);
  for (let done = 0; done < length;) {
    const read = readSync(file, bytes, done, length - done, position + done);
    if (read === 0) throw new DamagedError('a pack ends too early');
    done += read;
  }
  return bytes;
};

export const createPackWriter = (path: string): PackWriter => {
  const temporary = `${path}.new`;
  const rows: { hash: Hash; offset: number; length: number }[] = [];
  const known = new Set<Hash>();
  let file: FileHandle | null = null;
  let offset = magic.length;
  let waiting: Buffer[] = [magic];
  let waitingBytes = magic.length;

  const flush = async (): Promise<void> => {
    file ??= await open(temporary, 'w', 0o600);
    const bytes = Buffer.concat(waiting);
    waiting = [];
    waitingBytes = 0;
    for (let done = 0; done < bytes.length;) done += (await file.write(bytes, done)).bytesWritten;
  };
  const write = async (bytes: Buffer): Promise<void> => {
    waiting.push(bytes);
    waitingBytes += bytes.length;
    if (waitingBytes >= bufferBytes) await flush();
  };
  const release = async (): Promise<void> => {
    const open = file;
    file = null;
    await open?.close();
  };

  return {
    has: (hash) => known.has(hash),
    put: async (hash, content) => {
      if (known.has(hash)) return;
      known.add(hash);
      rows.push({ hash, offset, length: content.length });
      offset += content.length;
      await write(content);
    },
    finish: async () => {
      if (rows.length === 0) return null;
      rows.sort((a, b) => (a.hash < b.hash ? -1 : 1));
      const index = Buffer.allocUnsafe(rows.length * rowBytes);
      let at = 0;
      for (const { hash, offset: from, length } of rows) {
        at += index.write(hash, at, 'latin1');
        at = index.writeUIntBE(from, at, 6);
        at = index.writeUInt32BE(length, at);
      }
      const footer = Buffer.allocUnsafe(footerBytes);
      footer.writeUInt32BE(rows.length, 0);
      footer.writeUIntBE(offset, 4, 6);
      footer.write(hashOf(index), 10, 'latin1');
      magic.copy(footer, 10 + hashBytes);
      await write(index);
      await write(footer);
      await flush();
      await file?.sync();
      await release();
      await rename(temporary, path);
      return openPack(path);
    },
    abandon: async () => {
      await release();
      await rm(temporary, { force: true });
    },
  };
};

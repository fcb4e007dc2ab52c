/**
 * All objects of a session's checkpoints: packs in a folder of its own on the session's disk, outside the work tree.
 * It does not know which objects belong together; whoever sweeps says what is needed.
 *
 * Invariants: one writer or one sweep at a time, which its user sees to. An object is found from the `commit` of its
 * writer on. A sweep writes what it keeps before it removes anything, so a crash leaves at most the same object twice.
 */
import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';

import type { Log } from '../parts.js';
import { createBreath } from './breath.js';
import { DamagedError, hashOf, type Hash } from './objects.js';
import { createPackWriter, openPack, type Pack } from './pack.js';

export interface ObjectWriter {
  /** Keeps the content where it is not kept already. */
  put(content: Buffer): Promise<Hash>;
  /** Kept already, or put by this writer. */
  has(hash: Hash): boolean;
  /** Of contents that were not kept before. */
  readonly newBytes: number;
  commit(): Promise<void>;
  /** Leaves nothing behind. Harmless after `commit`. */
  abandon(): Promise<void>;
}

export interface ObjectStore {
  has(hash: Hash): boolean;
  /** Throws `DamagedError` where it is missing or changed. */
  read(hash: Hash): Buffer;
  write(): ObjectWriter;
  /** Removes all that is not needed. Packs that are mostly needed, and not too many, are left as they are. */
  sweep(isNeeded: (hash: Hash) => boolean): Promise<void>;
  /** Bytes of those of the given objects that are here. */
  sizeOf(hashes: ReadonlySet<Hash>): number;
  /** Of all packs on the disk. */
  readonly bytes: number;
  readonly packs: number;
  /** A pack could not be read at the start: what was known to be stored may be missing. */
  readonly isDamaged: boolean;
  close(): void;
}

/** A pack with less than this share of needed bytes is written anew. */
const minNeeded = 0.7;
const maxPacks = 48;

export const createObjectStore = (dir: string, log: Log): ObjectStore => {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  let isDamaged = false;
  /** The newest last: what was written of late is looked for first. */
  let packs: Pack[] = [];
  for (const name of readdirSync(dir).sort()) {
    const path = join(dir, name);
    if (!name.endsWith('.pack')) {
      // What a crash cut off. A pack that cannot be read is kept for whoever wants to look at it.
      if (name.endsWith('.new')) rmSync(path, { force: true });
      continue;
    }
    try {
      packs.push(openPack(path));
    } catch (cause) {
      isDamaged = true;
      log('error', 'A pack of checkpoints cannot be read and is put aside.', { name, cause: String(cause) });
      renameSync(path, `${path}.damaged`);
    }
  }
  let ordinal = packs.length === 0 ? 1 : Number(/(\d+)-[^/]*$/.exec(packs.at(-1)?.path ?? '')?.[1] ?? 0) + 1;
  const nextPath = (): string => join(dir, `${String(ordinal++).padStart(10, '0')}-${randomUUID().slice(0, 8)}.pack`);

  const syncDir = async (): Promise<void> => {
    const handle = await open(dir, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  };
  const has = (hash: Hash): boolean => packs.some((pack) => pack.has(hash));
  const read = (hash: Hash): Buffer => {
    for (let index = packs.length - 1; index >= 0; index -= 1) {
      const content = packs[index]?.read(hash) ?? null;
      if (content !== null) return content;
    }
    throw new DamagedError('an object is missing');
  };

  const remove = (gone: ReadonlySet<Pack>): void => {
    packs = packs.filter((pack) => !gone.has(pack));
    for (const pack of gone) {
      pack.close();
      rmSync(pack.path, { force: true });
    }
  };

  return {
    has,
    read,
    write: () => {
      const writer = createPackWriter(nextPath());
      let newBytes = 0;
      const isKnown = (hash: Hash): boolean => writer.has(hash) || has(hash);
      return {
        put: async (content) => {
          const hash = hashOf(content);
          if (isKnown(hash)) return hash;
          newBytes += content.length;
          await writer.put(hash, content);
          return hash;
        },
        has: isKnown,
        get newBytes() {
          return newBytes;
        },
        commit: async () => {
          const pack = await writer.finish();
          if (pack === null) return;
          packs.push(pack);
          await syncDir();
        },
        abandon: writer.abandon,
      };
    },
    sweep: async (isNeeded) => {
      const breath = createBreath();
      const rewritten = new Set<Pack>();
      for (const pack of packs) {
        let [all, needed] = [0, 0];
        for (const { hash, length } of pack.list()) {
          all += length;
          if (isNeeded(hash)) needed += length;
        }
        if (needed < minNeeded * all) rewritten.add(pack);
        await breath();
      }
      const kept = packs.filter((pack) => !rewritten.has(pack)).sort((a, b) => a.bytes - b.bytes);
      // Too many packs make every look slow: the smallest become one.
      if (kept.length > maxPacks) for (const pack of kept.slice(0, kept.length - maxPacks / 2)) rewritten.add(pack);
      const writer = createPackWriter(nextPath());
      try {
        for (const pack of rewritten) {
          for (const { hash } of pack.list()) {
            const content = isNeeded(hash) ? pack.read(hash) : null;
            if (content !== null) await writer.put(hash, content);
            await breath();
          }
        }
        const pack = await writer.finish();
        if (pack !== null) packs.push(pack);
        await syncDir();
      } catch (error) {
        await writer.abandon();
        throw error;
      }
      remove(rewritten);
    },
    sizeOf: (hashes) => {
      const seen = new Set<Hash>();
      let bytes = 0;
      for (const pack of packs) {
        for (const { hash, length } of pack.list()) {
          if (!hashes.has(hash) || seen.has(hash)) continue;
          seen.add(hash);
          bytes += length;
        }
      }
      return bytes;
    },
    get bytes() {
      return packs.reduce((sum, pack) => sum + pack.bytes, 0);
    },
    get packs() {
      return packs.length;
    },
    get isDamaged() {
      return isDamaged;
    },
    close: () => {
      for (const pack of packs) pack.close();
      packs = [];
    },
  };
};

/**
 * Content that is too large for an event, by hash, kept until the server has stored it.
 * Written and synced before the event that names it. It does not know which event that is.
 */
import { createHash } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

import { syncFolder } from './segments.js';

export interface Blob {
  hash: string;
  mediaType: string;
  base64: string;
}

export interface Blobs {
  /** Keeps the text; null where it is too large or there is no room, so that the rest is gone. */
  put(text: string): string | null;
  /** Hashes of what the server has not stored yet. */
  pending(): readonly string[];
  read(hash: string): Blob | null;
  stored(hash: string): void;
  onPut(listener: (hash: string) => void): void;
}

const maxBlobBytes = 1024 * 1024;
const defaultMaxBytes = 64 * 1024 * 1024;
const mediaType = 'text/plain; charset=utf-8';

export const createBlobs = (dir: string, maxBytes = defaultMaxBytes): Blobs => {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const sizes = new Map<string, number>();
  for (const name of readdirSync(dir)) {
    if (/^[0-9a-f]{64}$/.test(name)) sizes.set(name, statSync(join(dir, name)).size);
    else rmSync(join(dir, name), { force: true });
  }
  let total = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  const listeners: ((hash: string) => void)[] = [];

  return {
    put: (text) => {
      const content = Buffer.from(text);
      if (content.length > maxBlobBytes || total + content.length > maxBytes) return null;
      const hash = createHash('sha256').update(content).digest('hex');
      if (!sizes.has(hash)) {
        if (!writeSynced(join(dir, hash), content)) return null;
        sizes.set(hash, content.length);
        total += content.length;
      }
      for (const tell of listeners) tell(hash);
      return hash;
    },
    pending: () => [...sizes.keys()],
    read: (hash) => {
      try {
        return sizes.has(hash) ? { hash, mediaType, base64: readFileSync(join(dir, hash)).toString('base64') } : null;
      } catch {
        return null;
      }
    },
    stored: (hash) => {
      total -= sizes.get(hash) ?? 0;
      if (sizes.delete(hash)) rmSync(join(dir, hash), { force: true });
    },
    onPut: (listener) => void listeners.push(listener),
  };
};

/** False where the disk takes nothing. */
const writeSynced = (path: string, content: Buffer): boolean => {
  const temporary = `${path}.new`;
  try {
    const file = openSync(temporary, 'w', 0o600);
    try {
      for (let written = 0; written < content.length;) written += writeSync(file, content, written);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
    syncFolder(dirname(path));
    return true;
  } catch {
    rmSync(temporary, { force: true });
    return false;
  }
};

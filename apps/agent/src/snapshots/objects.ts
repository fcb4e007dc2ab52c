/**
 * What the store's objects look like: a file's content in chunks, a link's target, a folder as a list of entries. All are
 * named by the SHA-256 of their bytes, kept as 32 latin1 characters. It does not know where they are stored.
 *
 * What is read back may have been forged by code in the session, so names are checked again when they are decoded.
 */
import { createHash } from 'node:crypto';

import type { CheckpointSkip } from '@remote-claude/contract';

/** 32 bytes as latin1: cheaper to keep by the hundred thousand than a Buffer, and a key of a map. */
export type Hash = string;

/** `skipped` is a name that was there and is not kept: never the same as a name that was not there. */
export type EntryKind = 'file' | 'chunked' | 'link' | 'folder' | 'skipped';

export interface Entry {
  /** Bytes as latin1: a name need not be UTF-8. */
  name: string;
  kind: EntryKind;
  /** Permission bits; 0 for links; for what is skipped, the number of the reason. */
  mode: number;
  /** Bytes of a file or of a link's target; 0 for folders. */
  size: number;
  /** Of the content, of the list of its chunks, of the target, of the folder's own list; of nothing for what is skipped. */
  hash: Hash;
}

/** A file above this is a list of chunks of it. */
export const chunkBytes = 1024 * 1024;
export const hashBytes = 32;

/** Their numbers are on the disk: more come at the end. */
const kinds: readonly EntryKind[] = ['file', 'chunked', 'link', 'folder', 'skipped'];
const reasons: readonly CheckpointSkip['why'][] = ['special', 'unreadable', 'too-large', 'no-room', 'too-deep'];
/** Kind, mode, length of the name, size. */
const headBytes = 1 + 2 + 2 + 6;

export const hashOf = (content: Uint8Array): Hash => createHash('sha256').update(content).digest('binary');
export const hexOf = (hash: Hash): string => Buffer.from(hash, 'latin1').toString('hex');
export const ofHex = (hex: string): Hash => Buffer.from(hex, 'hex').toString('latin1');

export const skippedEntry = (name: string, why: CheckpointSkip['why']): Entry => ({
  name,
  kind: 'skipped',
  mode: Math.max(0, reasons.indexOf(why)),
  size: 0,
  hash: '\0'.repeat(hashBytes),
});
/** Pipes, sockets and devices hold nothing that a rewind could lose or bring back. */
export const isSpecial = ({ kind, mode }: Entry): boolean => kind === 'skipped' && reasons[mode] === 'special';

/** The object exists no more, or is not what its name says. */
export class DamagedError extends Error {
  constructor(what: string) {
    super(`The store of checkpoints is damaged: ${what}.`);
    this.name = 'DamagedError';
  }
}

/** The same entries give the same bytes: they come in the order of their names. */
export const encodeFolder = (entries: readonly Entry[]): Buffer => {
  const total = entries.reduce((sum, { name }) => sum + headBytes + name.length + hashBytes, 0);
  const bytes = Buffer.allocUnsafe(total);
  let at = 0;
  for (const { name, kind, mode, size, hash } of entries) {
    at = bytes.writeUInt8(kinds.indexOf(kind), at);
    at = bytes.writeUInt16BE(mode, at);
    at = bytes.writeUInt16BE(name.length, at);
    at = bytes.writeUIntBE(size, at, 6);
    at += bytes.write(name, at, 'latin1');
    at += bytes.write(hash, at, 'latin1');
  }
  return bytes;
};

export const decodeFolder = (bytes: Buffer): Entry[] => {
  const entries: Entry[] = [];
  let before = '';
  for (let at = 0; at < bytes.length;) {
    if (at + headBytes > bytes.length) throw new DamagedError('a folder is cut');
    const kind = kinds[bytes.readUInt8(at)];
    const mode = bytes.readUInt16BE(at + 1) & 0o7777;
    const nameEnd = at + headBytes + bytes.readUInt16BE(at + 3);
    const size = bytes.readUIntBE(at + 5, 6);
    if (kind === undefined || nameEnd + hashBytes > bytes.length) throw new DamagedError('a folder is cut');
    const name = bytes.toString('latin1', at + headBytes, nameEnd);
    if (!isName(name) || name <= before) throw new DamagedError('a folder holds an impossible name');
    entries.push({ name, kind, mode, size, hash: bytes.toString('latin1', nameEnd, nameEnd + hashBytes) });
    before = name;
    at = nameEnd + hashBytes;
  }
  return entries;
};

const isName = (name: string): boolean =>
  name !== '' && name !== '.' && name !== '..' && name.length <= 255 && !/[/\0]/.test(name);

export const encodeChunks = (hashes: readonly Hash[]): Buffer => Buffer.from(hashes.join(''), 'latin1');
export const decodeChunks = (bytes: Buffer): Hash[] => {
  if (bytes.length % hashBytes !== 0) throw new DamagedError('a list of chunks is cut');
  return Array.from({ length: bytes.length / hashBytes }, (_, index) =>
    bytes.toString('latin1', index * hashBytes, (index + 1) * hashBytes),
  );
};

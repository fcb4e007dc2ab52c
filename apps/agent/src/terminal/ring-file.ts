/**
 * A ring mirrored into a file, so that a killed agent leaves its terminals' last output readable.
 * Not synced: it must outlive the process, not the machine. It does not know what the bytes mean.
 *
 * Layout: a header block, then the bytes at (offset modulo capacity). A write covers at most `marginBytes` before the header
 * says so; a reader leaves out that much of the oldest, which a write cut off by a kill may have covered.
 */
import { open, type FileHandle } from 'node:fs/promises';

import type { Log } from '../parts.js';
import type { Ring } from './ring.js';
import type { TerminalSize } from './types.js';

const magic = 'RC-RING1';
const headerBytes = 4_096;
const marginBytes = 128 * 1024;
/** Output waits this long for more, and an echo for no disk. What the last moment before a kill brought is not in the file. */
const gatherMs = 10;

export interface RingFile {
  /** The ring has more, or the size changed. Never throws, never waits. */
  changed(): void;
  /** Resolves when all that was there at the call is written, or cannot be. */
  close(): Promise<void>;
}

interface RingFileOptions {
  path: string;
  capacityBytes: number;
  ring: Ring;
  size: () => TerminalSize;
  log: Log;
}

const encodeHeader = (start: number, end: number, size: TerminalSize): Buffer => {
  const header = Buffer.alloc(64);
  header.write(magic, 'latin1');
  header.writeDoubleBE(start, 8);
  header.writeDoubleBE(end, 16);
  header.writeUInt32BE(size.cols, 24);
  header.writeUInt32BE(size.rows, 28);
  return header;
};

export const createRingFile = async (options: RingFileOptions): Promise<RingFile> => {
  const { path, capacityBytes, ring, size, log } = options;
  const handle: FileHandle = await open(path, 'w+', 0o600);
  let written = ring.start;
  let firstValid = ring.start;
  let dirty = true;
  let running: Promise<void> | null = null;
  let gathering: NodeJS.Timeout | null = null;
  let complained = false;

  const step = async (): Promise<void> => {
    if (written < ring.start) firstValid = written = ring.start;
    const position = written % capacityBytes;
    const to = Math.min(ring.end, written + marginBytes, written + capacityBytes - position);
    if (to > written) {
      const bytes = ring.slice(written, to);
      await handle.write(bytes, 0, bytes.length, headerBytes + position);
      written = to;
    }
    dirty = written < ring.end;
    const header = encodeHeader(firstValid, written, size());
    await handle.write(header, 0, header.length, 0);
  };

  const flush = async (): Promise<void> => {
    try {
      while (dirty) await step();
      complained = false;
    } catch (error) {
      // A full disk: the screen goes on, and the next output tries again.
      if (!complained) log('warn', 'terminal output cannot be kept on disk', { error: String(error) });
      complained = true;
    } finally {
      running = null;
    }
  };

  const begin = (): void => {
    gathering = null;
    running ??= flush();
  };

  let closed = false;
  const changed = (): void => {
    if (closed) return;
    dirty = true;
    if (running === null) gathering ??= setTimeout(begin, gatherMs);
  };
  changed();
  return {
    changed,
    async close() {
      if (closed) return;
      closed = true;
      if (gathering !== null) clearTimeout(gathering);
      await running;
      if (dirty) await flush();
      await handle.close();
    },
  };
};

export interface KeptOutput {
  start: number;
  bytes: Buffer;
  size: TerminalSize;
}

/** What a mirror holds; null where there is none that can be read. */
export const readRingFile = async (path: string, capacityBytes: number): Promise<KeptOutput | null> => {
  let handle: FileHandle | null = null;
  try {
    handle = await open(path, 'r');
    const header = Buffer.alloc(64);
    await handle.read(header, 0, 64, 0);
    if (header.toString('latin1', 0, 8) !== magic) return null;
    const end = header.readDoubleBE(16);
    const size = { cols: header.readUInt32BE(24), rows: header.readUInt32BE(28) };
    const wrapped = end > capacityBytes;
    const start = Math.max(header.readDoubleBE(8), wrapped ? end - capacityBytes + marginBytes : 0);
    if (!Number.isSafeInteger(end) || !Number.isSafeInteger(start) || start < 0 || start > end) return null;
    if (size.cols < 2 || size.cols > 1_000 || size.rows < 1 || size.rows > 500) return null;
    const bytes = Buffer.alloc(Math.min(end - start, capacityBytes));
    let done = 0;
    while (done < bytes.length) {
      const position = (start + done) % capacityBytes;
      const length = Math.min(bytes.length - done, capacityBytes - position);
      const { bytesRead } = await handle.read(bytes, done, length, headerBytes + position);
      if (bytesRead === 0) return { start, bytes: bytes.subarray(0, done), size };
      done += bytesRead;
    }
    return { start, bytes, size };
  } catch {
    return null;
  } finally {
    await handle?.close();
  }
};

/**
 * The files of one journal: lines appended and synced in groups, whole files removed when nothing in them is needed.
 * A write that fails is undone and tried again until it works: a full disk pauses, it loses nothing.
 * It knows numbers of records, not what they say.
 */
import { mkdirSync, openSync, fsyncSync, closeSync, writeSync } from 'node:fs';
import { open, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Segments {
  /** Resolves when these lines are on the disk; the sync waits for `onWritten`. Calls must not overlap. */
  write(lines: string, lastN: number, onWritten?: () => Promise<void>): Promise<void>;
  /** Removes every full file whose records are all at or below `n`. */
  trim(n: number): Promise<void>;
  close(): Promise<void>;
}

export interface SegmentsDeps {
  dir: string;
  /** A new file begins when the current one is larger. */
  segmentBytes: number;
  retryMs: number;
  /** Told when writing fails, and with null when it works again. */
  onTrouble(cause: Error | null): void;
  closing: AbortSignal;
}

/** Characters. */
const maxAtOnce = 4_096;

interface Segment {
  path: string;
  lastN: number;
}

export const createSegments = ({ dir, segmentBytes, retryMs, onTrouble, closing }: SegmentsDeps): Segments => {
  const full: Segment[] = [];
  let current: (Segment & { file: FileHandle; bytes: number }) | null = null;
  let count = 0;

  const begin = async (): Promise<NonNullable<typeof current>> => {
    mkdirSync(dir, { recursive: true });
    const path = join(dir, `${String(count + 1).padStart(8, '0')}.log`);
    const file = await open(path, 'a', 0o600);
    syncFolder(dir);
    count += 1;
    return { path, file, bytes: 0, lastN: 0 };
  };

  const writeOnce = async (lines: string, lastN: number, onWritten: () => Promise<void>): Promise<void> => {
    if (current !== null && current.bytes >= segmentBytes) {
      await current.file.close();
      full.push({ path: current.path, lastN: current.lastN });
      current = null;
    }
    current ??= await begin();
    const { file, bytes } = current;
    try {
      // A short way for few: the queue of the thread pool may take longer than the write.
      if (lines.length <= maxAtOnce) writeAtOnce(file.fd, lines);
      else await file.appendFile(lines);
      await onWritten();
      await file.datasync();
    } catch (cause) {
      // What was written in part must not stand before the next try. A failing truncate leaves a torn line,
      // which ends this file for a reader: so the next try begins another.
      await file.truncate(bytes).catch(async () => {
        await file.close().catch(() => undefined);
        if (current !== null) full.push({ path: current.path, lastN: current.lastN });
        current = null;
      });
      throw cause;
    }
    current.bytes += Buffer.byteLength(lines);
    current.lastN = lastN;
  };

  return {
    async write(lines, lastN, onWritten = () => Promise.resolve()) {
      for (let troubled = false; ; troubled = true) {
        try {
          await writeOnce(lines, lastN, onWritten);
          if (troubled) onTrouble(null);
          return;
        } catch (cause) {
          if (closing.aborted) throw cause;
          onTrouble(cause instanceof Error ? cause : new Error(String(cause)));
          await sleep(retryMs, undefined, { signal: closing }).catch(() => undefined);
        }
      }
    },
    async trim(n) {
      while (full[0] !== undefined && full[0].lastN <= n) {
        await rm(full[0].path, { force: true });
        full.shift();
      }
    },
    async close() {
      await current?.file.close();
      current = null;
    },
  };
};

const writeAtOnce = (file: number, text: string): void => {
  const bytes = Buffer.from(text);
  for (let written = 0; written < bytes.length;) written += writeSync(file, bytes, written);
};

/** Makes a new file's name survive a loss of power. */
export const syncFolder = (dir: string): void => {
  const folder = openSync(dir, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
};

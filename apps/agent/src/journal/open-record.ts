/**
 * The one unnumbered record: what is under way now, rewritten as it grows, so that a killed agent leaves what it had.
 * Renamed into place, so a reader sees the old one or the new one. It does not know what it holds.
 */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';

export interface OpenRecord<T> {
  /** What the life before left; null where nothing was under way. */
  readonly left: T | null;
  /** Something changed: it is written at once after a pause, and else within `everyMs` of the last time. */
  touch(): void;
  /** Writes at once. */
  save(): void;
  /** Writes at once, and on the disk itself: it survives the machine. */
  sync(): void;
  close(): void;
}

export interface OpenRecordDeps<T> {
  path: string;
  parse(content: unknown): T | null;
  /** What is under way; null removes the record. */
  current(): T | null;
  everyMs?: number;
}

const defaultEveryMs = 250;

export const createOpenRecord = <T>({
  path,
  parse,
  current,
  everyMs = defaultEveryMs,
}: OpenRecordDeps<T>): OpenRecord<T> => {
  let timer: NodeJS.Timeout | null = null;
  let savedAtMs = -Infinity;

  const write = (isSynced: boolean): void => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    savedAtMs = performance.now();
    const value = current();
    try {
      if (value === null) return rmSync(path, { force: true });
      writeFileSync(`${path}.new`, JSON.stringify(value), { mode: 0o600 });
      if (isSynced) syncFile(`${path}.new`);
      renameSync(`${path}.new`, path);
    } catch {
      // A full disk: the next change tries again. The journal tells people about it.
    }
  };

  const save = (): void => write(false);

  return {
    left: read(path, parse),
    touch: () => {
      // Not in the caller's turn, so that what changed is shown before it is written.
      timer ??= setTimeout(save, Math.max(0, savedAtMs + everyMs - performance.now()));
    },
    save,
    sync: () => write(true),
    close: () => {
      if (timer !== null) save();
    },
  };
};

const syncFile = (path: string): void => {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
};

const read = <T>(path: string, parse: (content: unknown) => T | null): T | null => {
  try {
    return parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return null;
  }
};

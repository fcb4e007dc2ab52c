/** What earlier lives of the agent left in the journal's folder. It reads and removes; it never writes. */
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import type { Log } from '../parts.js';
import { decodeRecords, type JournalRecord } from './record.js';

export interface OlderJournal {
  source: string;
  folder: string;
  records: JournalRecord[];
  /** Everything up to this number was acknowledged. */
  acknowledged: number;
}

/** Holds the number that was acknowledged last. Written late and unsynced: a repeat of what it misses is harmless. */
export const acknowledgedFile = 'acknowledged';
const folderName = /^(\d{8,})-([0-9a-f-]{36})$/;

/** Oldest first. */
export const readOlderJournals = (dir: string, log: Log): { journals: OlderJournal[]; nextOrdinal: number } => {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const found = readdirSync(dir)
    .map((name) => folderName.exec(name))
    .filter((match) => match !== null)
    .map(([name, ordinal, source]) => ({ ordinal: Number(ordinal), source: source ?? '', folder: join(dir, name) }))
    .toSorted((a, b) => a.ordinal - b.ordinal);
  const journals = found.map(({ source, folder }) => ({
    source,
    folder,
    records: readFolder(folder, log),
    acknowledged: readAcknowledged(folder),
  }));
  return {
    journals,
    nextOrdinal: (found.at(-1)?.ordinal ?? 0) + 1,
  };
};

export const removeJournal = (folder: string): void => rmSync(folder, { recursive: true, force: true });

const readAcknowledged = (folder: string): number => {
  try {
    return Number.parseInt(readFileSync(join(folder, acknowledgedFile), 'utf8'), 10) || 0;
  } catch {
    return 0;
  }
};

const readFolder = (folder: string, log: Log): JournalRecord[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.log'))
    .toSorted()
    .flatMap((name) => {
      const content = readFileSync(join(folder, name));
      const { records, wholeBytes } = decodeRecords(content);
      const torn = content.length - wholeBytes;
      if (torn > 0)
        log('warn', 'The end of a journal file was never written whole and is left out.', { name, bytes: torn });
      return records;
    });

/**
 * The agent's durable proposals: written to the session's disk first, kept until they are acknowledged.
 * Each start of the agent writes a journal of its own; what an earlier one left is still proposed, before it, under its
 * own source. It does not know who takes the proposals, nor what the events mean.
 *
 * Invariants:
 * - Numbers count from 1 without a gap, in the order of `append`. A proposal is handed out only when it is on the disk.
 * - A command is done when an event that names it is on the disk, also in a later life of the agent.
 * - Memory is bounded: `append` and `whenRoom` wait while more than `maxBytes` are unacknowledged or the disk takes nothing.
 */
import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { AgentEvent, CommandId } from '@remote-claude/contract';

import type { Log } from '../parts.js';
import { createDoneCommands } from './done-commands.js';
import { acknowledgedFile, readOlderJournals, removeJournal } from './older-journals.js';
import { encodeRecord, type JournalRecord } from './record.js';
import { createSegments } from './segments.js';

export interface Batch {
  source: string;
  proposals: readonly JournalRecord[];
}

export interface Journal {
  readonly source: string;
  /** Events of earlier lives that are still on the disk, oldest first, acknowledged ones among them. */
  readonly earlier: readonly AgentEvent[];
  /** Resolves when the event is on the disk, or written there without a sync, and there is room for more. */
  append(event: AgentEvent, commandIds?: readonly CommandId[], until?: 'kept' | 'written'): Promise<void>;
  /** null while there is room; else a promise of it. */
  whenRoom(): Promise<void> | null;
  isDone(id: CommandId): boolean;
  /** The next proposals after those that were `sent` (source → number), oldest first. */
  next(sent: ReadonlyMap<string, number>): Batch | null;
  hasUnacknowledged(): boolean;
  acknowledge(source: string, n: number): void;
  reject(source: string, n: number, reason: string): void;
  /** Called when there is something new to hand out, and when the disk fails (with a sentence) or heals (null). */
  onReady(listener: () => void): void;
  onTrouble(listener: (problem: string | null) => void): void;
  /** Called with an event that the server will never take. */
  onRejected(listener: (event: AgentEvent, reason: string) => void): void;
  /** From now on nobody waits: neither for room, nor for a disk that takes nothing. What can be written still is. */
  release(): void;
  /** Writes what waits. */
  close(): Promise<void>;
}

export interface JournalDeps {
  dir: string;
  log: Log;
  maxBytes?: number;
  segmentBytes?: number;
  retryMs?: number;
}

interface Kept extends JournalRecord {
  bytes: number;
}
interface Source {
  source: string;
  /** In order of `n`; the first may be acknowledged no longer than it stays here. */
  kept: Kept[];
  acknowledged: number;
  folder: string;
}

const limits = { maxBytes: 64 * 1024 * 1024, segmentBytes: 1024 * 1024, retryMs: 1_000 };
const saveAcknowledgedMs = 200;
/** Before a sync that nobody waits for: it stays out of the way of what was begun with the event. */
const syncPauseMs = 100;
const maxBatch = { proposals: 100, bytes: 512 * 1024 };

export const createJournal = (deps: JournalDeps): Journal => {
  const { dir, log } = deps;
  const { maxBytes, segmentBytes, retryMs } = { ...limits, ...deps };
  const done = createDoneCommands(join(dir, 'done-commands'));
  const older = readOlderJournals(dir, log);
  const source = randomUUID();
  const folder = join(dir, `${String(older.nextOrdinal).padStart(8, '0')}-${source}`);
  const sources: Source[] = older.journals.map(({ records, acknowledged, ...of }) => ({
    ...of,
    acknowledged,
    kept: records
      .filter(({ n }) => n > acknowledged)
      .map((record) => ({ ...record, bytes: JSON.stringify(record).length })),
  }));
  const own: Source = { source, folder, acknowledged: 0, kept: [] };
  sources.push(own);

  const closing = new AbortController();
  const readyListeners: (() => void)[] = [];
  const troubleListeners: ((problem: string | null) => void)[] = [];
  const rejectListeners: ((event: AgentEvent, reason: string) => void)[] = [];
  let keptBytes = sources.reduce((sum, { kept }) => sum + bytesOf(kept), 0);
  let lastN = 0;
  let durableN = 0;
  let troubled = false;
  let isEnding = false;
  /** Of appends that the disk has not taken. */
  const unwritten = new Set<() => void>();
  let waiting: { line: string; record: Kept; until: 'kept' | 'written'; resolve: () => void }[] = [];
  let writing: Promise<void> | null = null;
  /** Ends the pause before a sync. */
  let syncNow = (): void => undefined;
  let ackTimer: NodeJS.Timeout | null = null;
  let room: { promise: Promise<void>; open: () => void } | null = null;

  const onTrouble = (cause: Error | null): void => {
    if (troubled === (cause !== null)) return;
    troubled = cause !== null;
    log(
      troubled ? 'error' : 'info',
      troubled ? 'The journal cannot be written.' : 'The journal can be written again.',
      {
        cause: cause?.message,
      },
    );
    for (const tell of troubleListeners) tell(cause === null ? null : sentenceOf(cause));
    checkRoom();
    if (isEnding) giveUp();
  };
  const giveUp = (): void => {
    if (troubled) for (const resolve of unwritten) resolve();
  };
  const segments = createSegments({ dir: folder, segmentBytes, retryMs, onTrouble, closing: closing.signal });

  const checkRoom = (): void => {
    const isFull = (keptBytes > maxBytes || troubled) && !isEnding;
    if (isFull && room === null) {
      let open = (): void => undefined;
      const promise = new Promise<void>((resolve) => (open = resolve));
      room = { promise, open };
    }
    if (!isFull && room !== null) {
      room.open();
      room = null;
    }
  };

  const pauseBeforeSync = (): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, syncPauseMs);
      syncNow = () => {
        clearTimeout(timer);
        resolve();
      };
    });

  /** Everything that waits goes out in one write and one sync; what comes meanwhile makes the next group. */
  const writeAll = async (): Promise<void> => {
    while (waiting.length > 0) {
      const group = waiting;
      waiting = [];
      const onWritten = async (): Promise<void> => {
        for (const { until, resolve } of group) if (until === 'written') resolve();
        const isAwaited = group.some(({ until }) => until === 'kept') || waiting.length > 0;
        if (!isAwaited && !closing.signal.aborted) await pauseBeforeSync();
      };
      await segments.write(group.map(({ line }) => line).join(''), group.at(-1)?.record.n ?? 0, onWritten);
      durableN = group.at(-1)?.record.n ?? durableN;
      for (const { record } of group) done.add(record.commandIds ?? []);
      for (const { resolve } of group) resolve();
      for (const tell of readyListeners) tell();
    }
  };
  const write = (): void => {
    writing ??= Promise.resolve()
      .then(writeAll)
      .catch((cause: unknown) =>
        log('error', 'The journal was closed with events unwritten.', { cause: String(cause) }),
      )
      .finally(() => {
        writing = null;
        // An append may have come between the last look and here.
        if (waiting.length > 0 && !closing.signal.aborted) write();
      });
  };

  /** Forgets what is acknowledged; ids of commands outlive the records that named them. */
  const forget = (of: Source, keep: (record: Kept) => boolean): void => {
    const gone = of.kept.filter((record) => !keep(record));
    if (gone.length === 0) return;
    keptBytes -= bytesOf(gone);
    of.kept = of.kept.filter(keep);
    done.keep(gone.flatMap(({ commandIds }) => commandIds ?? []));
    checkRoom();
    if (of === own) {
      void segments
        .trim((own.kept[0]?.n ?? durableN + 1) - 1)
        .catch((cause: unknown) => log('warn', 'A journal file stays.', { cause: String(cause) }));
    } else if (of.kept.length === 0) {
      sources.splice(sources.indexOf(of), 1);
      removeJournal(of.folder);
    }
  };

  /** What the next life need not repeat; many acknowledgements make one write. */
  const noteAcknowledged = (of: Source, n: number): void => {
    of.acknowledged = Math.max(of.acknowledged, n);
    ackTimer ??= setTimeout(() => void saveAcknowledged(), saveAcknowledgedMs);
  };
  const saveAcknowledged = async (): Promise<void> => {
    if (ackTimer !== null) clearTimeout(ackTimer);
    ackTimer = null;
    const saved = sources.map((one) =>
      writeFile(join(one.folder, acknowledgedFile), String(one.acknowledged)).catch(() => undefined),
    );
    await Promise.all(saved);
  };

  checkRoom();
  for (const { records, folder: olderFolder, acknowledged } of older.journals) {
    const commandIds = records.flatMap((record) => record.commandIds ?? []);
    const isNeeded = records.some(({ n }) => n > acknowledged);
    done[isNeeded ? 'add' : 'keep'](commandIds);
    if (isNeeded) continue;
    removeJournal(olderFolder);
    sources.splice(
      sources.findIndex((one) => one.folder === olderFolder),
      1,
    );
  }

  const release = (): void => {
    isEnding = true;
    checkRoom();
    giveUp();
  };

  return {
    source,
    earlier: older.journals.flatMap(({ records }) => records.map(({ event }) => event)),
    async append(event, commandIds = [], until = 'kept') {
      if (closing.signal.aborted) return;
      lastN += 1;
      const record: JournalRecord = { n: lastN, event, ...(commandIds.length > 0 ? { commandIds } : {}) };
      const line = encodeRecord(record);
      const kept: Kept = { ...record, bytes: line.length };
      own.kept.push(kept);
      keptBytes += kept.bytes;
      checkRoom();
      await new Promise<void>((written) => {
        const resolve = (): void => {
          unwritten.delete(resolve);
          written();
        };
        unwritten.add(resolve);
        waiting.push({ line, record: kept, until, resolve });
        syncNow();
        write();
        if (isEnding) giveUp();
      });
      await room?.promise;
    },
    whenRoom: () => room?.promise ?? null,
    isDone: (id) => done.has(id),
    next: (sent) => {
      for (const one of sources) {
        const after = sent.get(one.source) ?? 0;
        const proposals = batchOf(one.kept, after, one === own ? durableN : Infinity);
        if (proposals.length > 0) return { source: one.source, proposals };
      }
      return null;
    },
    hasUnacknowledged: () => sources.some(({ kept }) => kept.length > 0),
    acknowledge: (of, n) => {
      const one = sources.find((candidate) => candidate.source === of);
      if (one === undefined) return;
      const upTo = one === own ? Math.min(n, durableN) : n;
      noteAcknowledged(one, upTo);
      forget(one, (record) => record.n > upTo);
    },
    reject: (of, n, reason) => {
      const one = sources.find((candidate) => candidate.source === of);
      const event = one?.kept.find((record) => record.n === n)?.event;
      log('error', 'An event was rejected and is skipped.', { source: of, n, type: event?.type, reason });
      if (one !== undefined) forget(one, (record) => record.n !== n);
      if (event !== undefined) for (const tell of rejectListeners) tell(event, reason);
    },
    onReady: (listener) => void readyListeners.push(listener),
    onTrouble: (listener) => void troubleListeners.push(listener),
    onRejected: (listener) => void rejectListeners.push(listener),
    release,
    async close() {
      release();
      write();
      closing.abort();
      syncNow();
      checkRoom();
      await writing;
      await saveAcknowledged();
      await segments.close();
    },
  };
};

const bytesOf = (records: readonly Kept[]): number => records.reduce((sum, { bytes }) => sum + bytes, 0);

const batchOf = (kept: readonly Kept[], after: number, upTo: number): JournalRecord[] => {
  const batch: JournalRecord[] = [];
  let bytes = 0;
  // `kept` is ordered, so what was sent is skipped by a search and not by a walk.
  for (let index = firstAfter(kept, after); index < kept.length; index += 1) {
    const record = kept[index];
    if (record === undefined || record.n > upTo) break;
    if (batch.length === maxBatch.proposals || (batch.length > 0 && bytes + record.bytes > maxBatch.bytes)) break;
    const { bytes: size, ...proposal } = record;
    batch.push(proposal);
    bytes += size;
  }
  return batch;
};

const firstAfter = (kept: readonly Kept[], after: number): number => {
  let low = 0;
  let high = kept.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((kept[middle]?.n ?? 0) > after) high = middle;
    else low = middle + 1;
  }
  return low;
};

const sentenceOf = (cause: NodeJS.ErrnoException): string =>
  cause.code === 'ENOSPC' || cause.code === 'EDQUOT'
    ? "The session's disk is full. Claude waits until there is room; remove some files."
    : `The session's disk cannot be written (${cause.code ?? cause.message}). Claude waits until it can.`;

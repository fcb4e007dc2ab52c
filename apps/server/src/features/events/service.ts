// The numbered log of a session: takes proposals, gives each its number under the session row's lock, folds the state.
// It knows what an event does to the state by the contract's reducer alone, and other tables by projections.

import { createHash, randomUUID } from 'node:crypto';
import {
  AppError,
  maxInlineText,
  reduceSession,
  shownStatusOf,
  type BoundedText,
  type NumberedEvent,
  type Proposal,
  type ServerEvent,
  type SessionEvent,
  type SessionState,
} from '@remote-claude/contract';

import type { Bus } from '../../platform/bus.js';
import type { Clock } from '../../platform/clock.js';
import { afterCommit, type Database, type Trx } from '../../platform/database/index.js';
import type { Log } from '../../platform/log.js';
import type { StoredCommand } from './commands-store.js';
import { createCopyStore, type CopyRange } from './copy-store.js';
import { createFollowers, sessionChannel } from './follow.js';
import { prepareEvent, type Writer } from './prepare.js';
import type { Projection } from './projection.js';
import type { EventsStore, Fence, LockedHead, LogHead, StoredEvent } from './store.js';

export interface EventsDeps {
  database: Database;
  store: EventsStore;
  bus: Bus;
  clock: Clock;
  log: Log;
  projections: readonly Projection[];
  /** Told of what is stored, once its transaction is committed. */
  onStored?: (stored: { by: Writer; events: readonly SessionEvent[] }) => void;
}

export interface AppendOptions {
  by: Writer;
  /** The caller knows that none of it was stored before. */
  isNew?: boolean;
  /** The lease under which the caller looks after the session; `StaleFenceError` where it is another's by now. */
  fence?: Fence;
}

/** A write under a lease that another has by now. Nothing of its transaction is kept. */
export class StaleFenceError extends Error {
  override readonly name = 'StaleFenceError';
}

export interface Rejected {
  source: string;
  n: number;
  reason: string;
}

export interface Appended {
  /** What was stored now; a proposal that was stored before is not in it. */
  events: NumberedEvent[];
  rejected: Rejected[];
  head: number;
  state: SessionState;
}

/** Bus channel that says that what is wanted of a session has changed: `{ id }`. */
export const wantedChannel = 'wanted';

/** Bytes of events that one reading brings, where its caller says nothing else. */
const defaultPageBytes = 1024 * 1024;
/** Bytes of blobs that one session may keep. */
const maxBlobBytesPerSession = 256 * 1024 * 1024;

/** The coarse word of the API for a state. */
const coarseStatusOf = (state: SessionState): 'starting' | 'running' | 'stopped' | 'error' => {
  const shown = shownStatusOf(state);
  if (shown === 'failed') return 'error';
  if (shown === 'stopped' || shown === 'terminated') return 'stopped';
  return shown === 'starting' || shown === 'queued' ? 'starting' : 'running';
};

export const createEvents = (deps: EventsDeps) => {
  const { database, store, bus, clock, log } = deps;
  const copies = createCopyStore();
  const followers = createFollowers({
    bus,
    clock,
    log,
    read: (id, after, ceilings) => store.page(id, { after }, ceilings),
  });

  /** Rows that transactions hold, as they stand: nobody else changes one, so it is asked for once. */
  const held = new WeakMap<Trx, Map<string, LockedHead>>();

  const lockIn = async (trx: Trx, sessionId: string, fence?: Fence): Promise<LockedHead> => {
    const rows = held.get(trx) ?? new Map<string, LockedHead>();
    held.set(trx, rows);
    const row = rows.get(sessionId) ?? (await store.lock(trx, sessionId));
    if (row === null) throw new AppError('not_found');
    rows.set(sessionId, row);
    if (fence !== undefined && (fence.owner !== row.fence.owner || fence.number !== row.fence.number))
      throw new StaleFenceError(`Session ${sessionId} is looked after under lease ${row.fence.number} by now.`);
    return row;
  };

  const lockWithCommand = async (
    trx: Trx,
    sessionId: string,
    commandId: string,
  ): Promise<{ state: SessionState; command: StoredCommand | null }> => {
    const known = held.get(trx)?.get(sessionId);
    if (known === undefined) await store.lockAhead(trx, sessionId);
    const found = await store.headAndCommand(trx, sessionId, commandId);
    if (found === null) throw new AppError('not_found');
    const row = known ?? found.head;
    held.set(trx, (held.get(trx) ?? new Map<string, LockedHead>()).set(sessionId, row));
    return { state: row.state, command: found.command };
  };

  const appendIn = async (
    trx: Trx,
    sessionId: string,
    proposals: readonly Proposal[],
    { by, isNew = false, fence }: AppendOptions,
  ): Promise<Appended> => {
    const row = await lockIn(trx, sessionId, fence);
    const batch = createBatch(trx, { ...deps, sessionId, row, by });
    const known = isNew ? new Set<string>() : await takenBefore(trx, sessionId, by, proposals);
    for (const proposal of proposals) {
      const key = keyOf(by, proposal);
      if (known.has(key)) continue;
      known.add(key);
      await batch.take(proposal);
    }
    const appended = await batch.write();
    held.get(trx)?.set(sessionId, { ...row, head: appended.head, state: appended.state });
    return appended;
  };

  const takenBefore = async (
    trx: Trx,
    sessionId: string,
    by: Writer,
    proposals: readonly Proposal[],
  ): Promise<Set<string>> => {
    const known = new Set<string>();
    for (const source of new Set(proposals.map((proposal) => proposal.source))) {
      const numbers = proposals.filter((proposal) => proposal.source === source).map((proposal) => proposal.n);
      const stored = await store.taken(trx, sessionId, storedSource(by, source), numbers);
      for (const n of stored) known.add(keyOf(by, { source, n }));
    }
    return known;
  };

  const headOf = async (sessionId: string): Promise<LogHead> => {
    const row = await store.head(sessionId);
    if (row === null) throw new AppError('not_found');
    return row;
  };

  const record = async (
    trx: Trx,
    sessionId: string,
    events: readonly ServerEvent[],
    commandIds: readonly string[] = [],
  ): Promise<Appended> => {
    const source = `server:${randomUUID()}`;
    const proposals = events.map((event, index) => ({
      source,
      n: index + 1,
      event,
      commandIds: index === 0 ? (commandIds as NonNullable<Proposal['commandIds']>) : [],
    }));
    const appended = await appendIn(trx, sessionId, proposals, { by: 'server', isNew: true });
    const [refused] = appended.rejected;
    if (refused !== undefined)
      throw new AppError('payload_too_large', { message: `This cannot be stored: ${refused.reason}.` });
    return appended;
  };

  return {
    /** Stores what is new, all in one commit; with `trx` in that transaction. A repeat is harmless. */
    async append(
      sessionId: string,
      proposals: readonly Proposal[],
      options: AppendOptions,
      trx?: Trx,
    ): Promise<Appended> {
      return trx === undefined
        ? database.transaction((own) => appendIn(own, sessionId, proposals, options))
        : appendIn(trx, sessionId, proposals, options);
    },

    /** Events of the server's own that nobody repeats, as of this transaction. A refusal is a mistake of the caller. */
    record,

    /** Where a fork begins, as of this transaction. */
    beginningOf: copies.beginningOf,
    creation: copies.creation,

    /**
     * Goes on behind what another session said and did, which is copied here, and then with what is given. For a log that has
     * nothing but its creation. It writes as many rows as that log has, and holds none of the other session's.
     */
    async continueFrom(
      trx: Trx,
      sessionId: string,
      range: CopyRange,
      events: readonly ServerEvent[],
    ): Promise<Appended> {
      const row = await lockIn(trx, sessionId);
      const count = await copies.copy(trx, range, { to: sessionId, head: row.head });
      await copies.copyBlobs(trx, range.from, sessionId);
      const state = (await copies.telling(trx, sessionId)).reduce(reduceSession, row.state);
      held.get(trx)?.set(sessionId, { ...row, head: row.head + count, state });
      return record(trx, sessionId, events);
    },

    /**
     * The row's state at its head, held until the transaction ends. Lock a session before anything else of it. With a
     * fence it throws `StaleFenceError` where another looks after the session by now.
     */
    lock: lockIn,

    /** As `lock`, with what is stored under a command's id, in one round trip. */
    lockWithCommand,

    /** Wakes the session-manager for this session when the transaction commits; a change of `wanted` does so by itself. */
    announceWanted: (trx: Trx, sessionId: string): Promise<void> =>
      bus.publishIn(trx, wantedChannel, { id: sessionId }),

    head: headOf,

    /** Oldest first: those after a number, or the last ones before one; fewer where `maxBytes` is reached before. */
    read: async (
      sessionId: string,
      range: { after: number } | { before: number },
      maxEvents: number,
      maxBytes: number = defaultPageBytes,
    ): Promise<NumberedEvent[]> => (await store.page(sessionId, range, { maxEvents, maxBytes })).events,

    follow: followers.follow,

    /** Text with its ceiling: what is longer is stored whole as a blob and begins in the event. */
    async boundText(trx: Trx, sessionId: string, text: string): Promise<BoundedText> {
      const bytes = Buffer.from(text, 'utf8');
      if (text.length <= maxInlineText) return { text, bytes: bytes.length };
      const hash = createHash('sha256').update(bytes).digest('hex');
      await store.insertBlob(trx, sessionId, { hash, mediaType: 'text/plain', bytes });
      return { text: text.slice(0, maxInlineText), bytes: bytes.length, blob: hash };
    },

    /** The whole of a bounded text, or what there is of it. */
    async wholeText(sessionId: string, text: BoundedText): Promise<string> {
      const stored = text.blob === undefined ? null : await store.blob(sessionId, text.blob);
      return stored?.toString('utf8') ?? text.text;
    },

    /** The bytes behind a hash, of this session alone. */
    blob: (sessionId: string, hash: string): Promise<Buffer | null> => store.blob(sessionId, hash),

    /** A blob that an agent sends. Throws `bad_request` where the hash is not its content's, `no_space` at the ceiling. */
    async putBlob(sessionId: string, blob: { hash: string; mediaType: string; bytes: Buffer }): Promise<void> {
      if (createHash('sha256').update(blob.bytes).digest('hex') !== blob.hash) throw new AppError('bad_request');
      const used = await store.blobBytes(database.db, sessionId);
      if (used + blob.bytes.length > maxBlobBytesPerSession) throw new AppError('no_space');
      await store.insertBlob(database.db, sessionId, blob);
    },

    close: followers.close,
  };
};
export type Events = ReturnType<typeof createEvents>;

/** An agent chooses the names of its journals; kept apart, they never meet a source of the server. */
const storedSource = (by: Writer, source: string): string => (by === 'agent' ? `agent:${source}` : source);
const keyOf = (by: Writer, { source, n }: { source: string; n: number }): string => `${n} ${storedSource(by, source)}`;

interface BatchDeps extends EventsDeps {
  sessionId: string;
  row: LogHead;
  by: Writer;
}

/** The events of one transaction: numbered one after the other, written at the end in one statement. */
const createBatch = (trx: Trx, deps: BatchDeps) => {
  const { store, bus, clock, projections, sessionId, row, by, onStored } = deps;
  const at = clock.now();
  const events: StoredEvent[] = [];
  const rejected: Rejected[] = [];
  const doneCommands = new Set<string>();
  let { state, head } = row;

  const put = async (
    event: SessionEvent,
    writer: Writer,
    origin: { source: string; n: number } | null,
  ): Promise<string | null> => {
    const after = reduceSession(state, { event, at: at.toISOString() });
    const change = { sessionId, by: writer, event, at, before: state, after };
    const interested = projections.filter((projection) => projection.types.has(event.type));
    for (const projection of interested) {
      const reason = (await projection.refuses?.(trx, change)) ?? null;
      if (reason !== null) return reason;
    }
    head += 1;
    state = after;
    events.push({ seq: head, at: at.toISOString(), event, source: origin?.source ?? 'server', n: origin?.n ?? head });
    for (const projection of interested) {
      for (const next of await projection.apply(trx, change)) await put(next, 'server', null);
    }
    return null;
  };

  return {
    async take(proposal: Proposal): Promise<void> {
      const prepared = prepareEvent(proposal.event, by, state);
      const origin = { source: storedSource(by, proposal.source), n: proposal.n };
      const reason = prepared.ok ? await put(prepared.event, by, origin) : prepared.reason;
      if (reason !== null) rejected.push({ source: proposal.source, n: proposal.n, reason });
      else for (const id of proposal.commandIds ?? []) doneCommands.add(id);
    },

    async write(): Promise<Appended> {
      if (events.length > 0) {
        const status = coarseStatusOf(state);
        await store.write(trx, sessionId, { events, doneCommandIds: [...doneCommands], head, state, status, at });
        await bus.publishIn(trx, sessionChannel, { id: sessionId, head });
        if (state.wanted !== row.state.wanted) await bus.publishIn(trx, wantedChannel, { id: sessionId });
        if (onStored !== undefined) afterCommit(trx, () => onStored({ by, events: events.map(({ event }) => event) }));
      }
      const shown = events.map(({ seq, at: when, event }) => ({ seq, at: when, event }));
      return { events: shown, rejected, head, state };
    },
  };
};

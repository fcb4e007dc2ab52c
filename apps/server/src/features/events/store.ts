// SQL of the event log and of the columns of a session's row that are its fold.

import {
  initialSessionState,
  type AgentCommand,
  type NumberedEvent,
  type SessionEvent,
  type SessionState,
} from '@remote-claude/contract';

import { sql } from 'kysely';

import { json, sendAhead, type Database, type Executor, type Trx } from '../../platform/database/index.js';

import type { StoredCommand } from './commands-store.js';

/** Who looks after a session, and how many did before: what is written under another one comes too late. */
export interface Fence {
  owner: string | null;
  number: number;
}

export interface LogHead {
  state: SessionState;
  head: number;
  epoch: string;
}
export interface LockedHead extends LogHead {
  fence: Fence;
}

export interface StoredEvent extends NumberedEvent {
  source: string;
  n: number;
}

export interface WrittenBatch {
  events: readonly StoredEvent[];
  /** Commands whose effect is in these events. */
  doneCommandIds: string[];
  head: number;
  state: SessionState;
  status: 'starting' | 'running' | 'stopped' | 'error';
  at: Date;
}

export interface PageCeilings {
  maxEvents: number;
  /** Of events as JSON text; the last may go beyond it. */
  maxBytes: number;
}

export interface Page {
  events: NumberedEvent[];
  /** A ceiling was reached: there may be more. */
  isCut: boolean;
}

export interface NewBlob {
  hash: string;
  mediaType: string;
  bytes: Buffer;
}

const toEvent = (row: { seq: number; created_at: Date; event: unknown }): NumberedEvent => ({
  seq: row.seq,
  at: row.created_at.toISOString(),
  event: row.event as SessionEvent,
});

/** A row may have been written by an older version, which lacks newer fields. */
const toState = (stored: unknown): SessionState => ({ ...initialSessionState, ...(stored as Partial<SessionState>) });

export const createEventsStore = ({ db }: Database) => ({
  async head(sessionId: string): Promise<LogHead | null> {
    const row = await db
      .selectFrom('sessions')
      .select(['head', 'state', 'epoch'])
      .where('id', '=', sessionId)
      .executeTakeFirst();
    return row === undefined ? null : { head: row.head, state: toState(row.state), epoch: row.epoch };
  },

  /** Holds the row until the transaction ends: one writer at a time numbers a session's events. */
  async lock(trx: Trx, sessionId: string): Promise<LockedHead | null> {
    const row = await trx
      .selectFrom('sessions')
      .select(['head', 'state', 'epoch', 'lease_owner', 'lease_fence'])
      .where('id', '=', sessionId)
      .forNoKeyUpdate()
      .executeTakeFirst();
    if (row === undefined) return null;
    const fence = { owner: row.lease_owner, number: row.lease_fence };
    return { head: row.head, state: toState(row.state), epoch: row.epoch, fence };
  },

  /** The same, sent ahead: what is read behind it in this transaction is as of when the row is held. */
  lockAhead: (trx: Trx, sessionId: string): Promise<void> =>
    sendAhead(trx, trx.selectFrom('sessions').select('id').where('id', '=', sessionId).forNoKeyUpdate()),

  /** The row, and what stands under a command's id. */
  async headAndCommand(
    trx: Trx,
    sessionId: string,
    commandId: string,
  ): Promise<{ head: LockedHead; command: StoredCommand | null } | null> {
    const row = await trx
      .selectFrom('sessions')
      .leftJoin('commands', (join) =>
        join.onRef('commands.session_id', '=', 'sessions.id').on('commands.id', '=', commandId),
      )
      .select(['head', 'state', 'epoch', 'lease_owner', 'lease_fence', 'payload', 'author', 'commands.status'])
      .where('sessions.id', '=', sessionId)
      .executeTakeFirst();
    if (row === undefined) return null;
    const { payload, author, status } = row;
    const fence = { owner: row.lease_owner, number: row.lease_fence };
    return {
      head: { head: row.head, state: toState(row.state), epoch: row.epoch, fence },
      command: status === null ? null : { command: payload as AgentCommand, author, status },
    };
  },

  /** Which numbers of a source are stored already. */
  async taken(trx: Trx, sessionId: string, source: string, numbers: readonly number[]): Promise<Set<number>> {
    const rows = await trx
      .selectFrom('events')
      .select('n')
      .where('session_id', '=', sessionId)
      .where('source', '=', source)
      .where('n', 'in', numbers)
      .execute();
    return new Set(rows.map((row) => row.n));
  },

  /** All that a batch of events changes, in one statement. */
  async write(trx: Trx, sessionId: string, { events, doneCommandIds, ...columns }: WrittenBatch): Promise<void> {
    const { state, head, status, at } = columns;
    const write = trx
      .with('inserted', (db) =>
        db.insertInto('events').values(
          events.map(({ seq, at: when, event, source, n }) => ({
            session_id: sessionId,
            seq,
            source,
            n,
            event: json(event),
            created_at: new Date(when),
          })),
        ),
      )
      .with('done', (db) =>
        db
          .updateTable('commands')
          .set({ status: 'done', done_at: at })
          .where('session_id', '=', sessionId)
          .where((eb) => eb('id', '=', eb.fn.any(eb.val(doneCommandIds))))
          .where('status', '=', 'pending'),
      )
      .updateTable('sessions')
      .set({
        head,
        state: json(state),
        status,
        name: state.name,
        wanted: state.wanted,
        place_step: state.place.step,
        place_reason: state.place.reason,
        last_activity: at,
      })
      .where('id', '=', sessionId);
    await sendAhead(trx, write);
  },

  /** Oldest first: those after a number, or the last ones before one. At least one, where there is one. */
  async page(sessionId: string, range: { after: number } | { before: number }, ceilings: PageCeilings): Promise<Page> {
    const { maxEvents, maxBytes } = ceilings;
    const isForward = 'after' in range;
    const order = isForward ? sql`seq` : sql`seq desc`;
    const bound = isForward ? sql`seq > ${range.after}` : sql`seq < ${range.before}`;
    // Cut where it is stored: events that are not told are not brought here either.
    const { rows } = await sql<{ seq: number; created_at: Date; event: unknown; is_last: boolean }>`
      select seq, created_at, event, is_last from (
        select seq, created_at, event, lead(seq) over (order by ${order}) is null as is_last,
          coalesce(sum(octet_length(event::text))
            over (order by ${order} rows between unbounded preceding and 1 preceding), 0) as bytes_before
        from (
          select seq, created_at, event from events
          where session_id = ${sessionId} and ${bound} order by ${order} limit ${maxEvents}
        ) as found
      ) as sized
      where bytes_before < ${maxBytes} order by seq`.execute(db);
    const furthest = isForward ? rows.at(-1) : rows[0];
    return {
      events: rows.map(toEvent),
      isCut: rows.length === maxEvents || furthest?.is_last === false,
    };
  },

  async insertBlob(executor: Executor, sessionId: string, blob: NewBlob): Promise<void> {
    await executor
      .insertInto('blobs')
      .values({ session_id: sessionId, hash: blob.hash, media_type: blob.mediaType, bytes: blob.bytes })
      .onConflict((conflict) => conflict.columns(['session_id', 'hash']).doNothing())
      .execute();
  },

  async blob(sessionId: string, hash: string): Promise<Buffer | null> {
    const row = await db
      .selectFrom('blobs')
      .select('bytes')
      .where('session_id', '=', sessionId)
      .where('hash', '=', hash)
      .executeTakeFirst();
    return row?.bytes ?? null;
  },

  async blobBytes(executor: Executor, sessionId: string): Promise<number> {
    const row = await executor
      .selectFrom('blobs')
      .select((eb) => eb.fn.sum<number>(eb.fn<number>('length', ['bytes'])).as('bytes'))
      .where('session_id', '=', sessionId)
      .executeTakeFirstOrThrow();
    return row.bytes ?? 0;
  },
});
export type EventsStore = ReturnType<typeof createEventsStore>;

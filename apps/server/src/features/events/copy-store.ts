// SQL of a log that begins with another's: which events are copied, and how they differ there. All of it happens in the
// database, in the caller's transaction, so that the length of a log costs no memory here.

import { noTokens, type CommandId, type EventOf, type NumberedEvent, type SessionEvent } from '@remote-claude/contract';
import { sql } from 'kysely';

import type { Trx } from '../../platform/database/index.js';

/**
 * What was said and done. Not: places, terminals, tasks and cost, which stay the other session's own, and checkpoints, whose
 * files are there.
 */
const copied = [
  'message.user',
  'message.withdrawn',
  'turn.started',
  'turn.ended',
  'text',
  'thinking',
  'block.interrupted',
  'tool.called',
  'tool.finished',
  'approval.asked',
  'approval.answered',
  'approval.expired',
  'todo.changed',
  'context.compacted',
  'claude.configured',
  'command.refused',
  'rewind.asked',
  'rewind.done',
];
/** The last of each of these says what all of them did to the state. */
const telling = ['turn.started', 'turn.ended', 'todo.changed', 'claude.configured', 'rewind.done'];

interface Row {
  seq: number;
  event: unknown;
  created_at: Date;
}
const toEvent = ({ seq, event, created_at }: Row): NumberedEvent => ({
  seq,
  event: event as SessionEvent,
  at: created_at.toISOString(),
});

export interface CopyRange {
  from: string;
  /** The first number that is not copied. */
  before: number;
}

export const createCopyStore = () => ({
  /** Number of the event with which Claude first began to work on a message; null where it has not. */
  async beginningOf(trx: Trx, sessionId: string, messageId: CommandId): Promise<number | null> {
    const named = JSON.stringify({ type: 'turn.started', messageIds: [messageId] });
    const { rows } = await sql<{ seq: number | null }>`
      select min(seq) as seq from events where session_id = ${sessionId} and event @> ${named}::jsonb`.execute(trx);
    return rows[0]?.seq ?? null;
  },

  /** How a session was made. */
  async creation(trx: Trx, sessionId: string): Promise<EventOf<'session.created'> | null> {
    const row = await trx
      .selectFrom('events')
      .select('event')
      .where('session_id', '=', sessionId)
      .where('seq', '=', 1)
      .executeTakeFirst();
    const event = row?.event as SessionEvent | undefined;
    return event?.type === 'session.created' ? event : null;
  },

  /**
   * Copies what lies before a number behind the head of another log, with times and authors. Without messages that Claude had
   * not begun with, questions nobody had answered, and rewinds nobody had done; nobody is charged for a turn twice, and a
   * task's message is a message. Gives how many there are.
   */
  async copy(trx: Trx, { from, before }: CopyRange, { to, head }: { to: string; head: number }): Promise<number> {
    const { numAffectedRows = 0n } = await sql`
      with source as materialized (
        select seq, event, created_at, event ->> 'type' as type from events
        where session_id = ${from} and seq < ${before} and event ->> 'type' = any(${copied})
      ),
      begun as (
        select jsonb_array_elements_text(event -> 'messageIds') as id from source where type = 'turn.started'
        union select event ->> 'messageId' from source where type = 'message.withdrawn'
      ),
      answered as (
        select event ->> 'approvalId' as id from source where type in ('approval.answered', 'approval.expired')
      ),
      rewound as (
        select event ->> 'rewindId' as id from source where type = 'rewind.done'
        union select event ->> 'commandId' from source where type = 'command.refused'
      )
      insert into events (session_id, seq, source, n, event, created_at)
      select ${to}::uuid, ${head}::bigint + row_number() over (order by seq), ${`fork:${from}`}::text, seq,
        case
          when type = 'message.user' then jsonb_set(event, '{taskId}', 'null')
          when type = 'turn.ended' then jsonb_set(event, '{usage}', ${JSON.stringify(noTokens)}::jsonb)
          when type = 'claude.configured' and event ->> 'permissionMode' = 'bypassPermissions'
            then jsonb_set(event, '{permissionMode}', '"default"')
          else event
        end,
        created_at
      from source
      where case type
        when 'message.user' then event ->> 'messageId' in (select id from begun)
        when 'approval.asked' then event -> 'approval' ->> 'approvalId' in (select id from answered)
        when 'rewind.asked' then event ->> 'rewindId' in (select id from rewound)
        else true
      end`.execute(trx);
    return Number(numAffectedRows);
  },

  /** What is large is a blob by hash: those that the copied events name. */
  async copyBlobs(trx: Trx, from: string, to: string): Promise<void> {
    await sql`
      insert into blobs (hash, session_id, bytes, media_type)
      select hash, ${to}::uuid, bytes, media_type from blobs
      where session_id = ${from} and hash in (
        select found #>> '{}' from events, jsonb_path_query(event, 'lax $.**.blob') as found where session_id = ${to}
      )
      on conflict do nothing`.execute(trx);
  },

  /** Those events of a log that its state follows from; in their order. */
  async telling(trx: Trx, sessionId: string): Promise<NumberedEvent[]> {
    const { rows } = await sql<Row>`
      select distinct on (event ->> 'type') seq, event, created_at from events
      where session_id = ${sessionId} and event ->> 'type' = any(${telling})
        and not (event ->> 'type' = 'rewind.done' and event ->> 'what' = 'files')
      order by event ->> 'type', seq desc`.execute(trx);
    return rows.map(toEvent).sort((a, b) => a.seq - b.seq);
  },
});

// The bus over LISTEN and NOTIFY, on one connection of its own that comes back by itself. It knows no channel's meaning.

import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import pg from 'pg';
import { maxBusPayloadBytes, type Bus, type BusListener, type BusNotice } from './bus.js';
import type { Cancel, Clock } from './clock.js';
import { connectionSettings, type Database, type DatabaseConnection } from './database/database.js';
import { jsonText } from './database/json.js';
import { afterCommit, callLate } from './database/late.js';
import type { Log } from './log.js';
import type { QuickWire } from './redis.js';
import { createSeenOnce } from './seen-once.js';

// All channels share one of PostgreSQL's, so that listening to another takes no round trip in which messages are missed.
const pgChannel = 'remote_claude';
const maxChannelBytes = 200;

export interface PostgresBusOptions {
  connection: DatabaseConnection;
  database: Database;
  clock: Clock;
  log: Log;
  /** How often the connection is tried, since a network can drop one in silence. */
  heartbeatMs: number;
  /** Where there is one, each message goes by it too, and counts where it arrives first. */
  wire?: QuickWire | undefined;
  minRetryMs?: number;
  maxRetryMs?: number;
}

export interface PostgresBus extends Bus {
  /** It listens; else it connects again. */
  isConnected(): boolean;
}

/** Resolves when it listens for the first time; rejects when that fails. */
export async function createPostgresBus(options: PostgresBusOptions): Promise<PostgresBus> {
  const { database, wire } = options;
  const listeners = createListeners(options.log);
  const line = createLine(options, listeners);
  await line.open();
  wire?.listen(listeners.deliver);
  return {
    async publish(channel, payload) {
      const text = encode(channel, payload);
      await sql`select pg_notify(${pgChannel}, ${text})`.execute(database.db);
      wire?.send(text);
    },
    async publishIn(trx, channel, payload) {
      const text = encode(channel, payload);
      // It arrives at the commit in any case.
      await callLate(trx, sql`pg_notify(${pgChannel}, ${text})`);
      if (wire !== undefined) afterCommit(trx, () => wire.send(text));
    },
    subscribe: listeners.add,
    isConnected: line.isOpen,
    close: line.close,
  };
}

interface Listeners {
  add(channel: string, listener: BusListener): () => void;
  deliver(text: string): void;
  resync(): void;
}

function createListeners(log: Log): Listeners {
  const byChannel = new Map<string, Set<BusListener>>();
  const isNew = createSeenOnce();

  function tell(channel: string, notice: BusNotice) {
    // A copy: a listener may subscribe or leave while it is told.
    for (const listener of [...(byChannel.get(channel) ?? [])]) {
      try {
        listener(notice);
      } catch (err) {
        log.error({ err, channel }, 'a listener of the bus failed');
      }
    }
  }

  return {
    add(channel, listener) {
      // Wrapped, so that one function subscribed twice is two listeners.
      const entry: BusListener = (notice) => listener(notice);
      const entries = byChannel.get(channel) ?? new Set();
      byChannel.set(channel, entries.add(entry));
      return () => {
        entries.delete(entry);
        if (entries.size === 0 && byChannel.get(channel) === entries) byChannel.delete(channel);
      };
    },
    deliver(text) {
      const message = decode(text);
      if (message === undefined) log.warn('a message on the bus was not understood and is left out');
      else if (isNew(message.id)) tell(message.channel, { kind: 'message', payload: message.payload });
    },
    resync() {
      for (const channel of [...byChannel.keys()]) tell(channel, { kind: 'resync' });
    },
  };
}

/** The listening connection: opened, watched, opened again after a loss with growing pauses. */
function createLine(options: PostgresBusOptions, listeners: Listeners) {
  const { connection, clock, log, heartbeatMs, minRetryMs = 100, maxRetryMs = 5000 } = options;
  let client: pg.Client | undefined;
  let closed = false;
  let cancelTimer: Cancel = () => {};

  async function open(): Promise<void> {
    const next = await connectListening(connection, listeners.deliver, lose);
    if (closed) {
      await next.end().catch(() => {});
      throw new Error('The bus is closed.');
    }
    client = next;
    beat(next);
  }

  // Called at least once for a connection that breaks; only the first call for the present one counts.
  function lose(lost: pg.Client, err?: unknown) {
    if (client !== lost) return;
    client = undefined;
    cancelTimer();
    void lost.end().catch(() => {});
    if (closed) return;
    log.warn({ err }, 'the bus lost its connection to PostgreSQL and connects again');
    retry(minRetryMs);
  }

  function beat(current: pg.Client) {
    cancelTimer = clock.after(heartbeatMs, () => {
      current.query('select 1').then(
        () => {
          if (client === current) beat(current);
        },
        (error: unknown) => lose(current, error),
      );
    });
  }

  function retry(pauseMs: number) {
    // Jitter, so that replicas do not return all at once.
    const delayMs = pauseMs * (0.5 + Math.random() / 2);
    cancelTimer = clock.after(delayMs, () => {
      open().then(
        () => {
          log.info('the bus is connected again');
          listeners.resync();
        },
        () => {
          if (!closed) retry(Math.min(pauseMs * 2, maxRetryMs));
        },
      );
    });
  }

  return {
    open,
    isOpen: () => client !== undefined,
    async close() {
      closed = true;
      cancelTimer();
      const current = client;
      client = undefined;
      await current?.end().catch(() => {});
    },
  };
}

/** A connection that listens. `lose` is told of its loss, also of one before this resolves: then it rejects. */
async function connectListening(
  connection: DatabaseConnection,
  deliver: (text: string) => void,
  lose: (client: pg.Client, err?: unknown) => void,
): Promise<pg.Client> {
  const limits = { connectionTimeoutMillis: 5000, query_timeout: 5000 };
  const client = new pg.Client({ ...connectionSettings(connection), ...limits });
  let lost = false;
  const onLoss = (err?: unknown) => {
    lost = true;
    lose(client, err);
  };
  client.on('error', onLoss);
  client.on('end', () => onLoss());
  client.on('notification', (message) => deliver(message.payload ?? ''));
  try {
    await client.connect();
    await client.query(`listen ${pgChannel}`);
    if (lost) throw new Error('The connection ended at once.');
    return client;
  } catch (error) {
    await client.end().catch(() => {});
    throw error;
  }
}

function encode(channel: string, payload: unknown): string {
  const body = jsonText(payload);
  const bytes = Buffer.byteLength(body);
  if (bytes > maxBusPayloadBytes)
    throw new RangeError(`A bus message has at most ${maxBusPayloadBytes} bytes, this one ${bytes}.`);
  if (Buffer.byteLength(channel) > maxChannelBytes || channel.includes('\n'))
    throw new RangeError(`Not a bus channel: ${channel}`);
  // The same text twice is one message, whichever way it comes.
  return `${channel}\n${randomBytes(9).toString('base64url')}\n${body}`;
}

function decode(text: string): { channel: string; id: string; payload: unknown } | undefined {
  const [channel, id] = text.split('\n', 2);
  if (channel === undefined || id === undefined) return undefined;
  try {
    return { channel, id, payload: JSON.parse(text.slice(channel.length + id.length + 2)) };
  } catch {
    return undefined;
  }
}

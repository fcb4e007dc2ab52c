// SQL of commands: what an agent is told to do, a row each until the event that is its effect comes back.

import type { AgentCommand } from '@remote-claude/contract';

import type { Bus } from '../../platform/bus.js';
import { insertLate, json, type Database, type Executor, type Trx } from '../../platform/database/index.js';

export interface NewCommand {
  sessionId: string;
  author: string;
  command: AgentCommand;
}

export interface StoredCommand {
  command: AgentCommand;
  author: string | null;
  status: 'pending' | 'done' | 'refused';
}

export interface PendingCommand {
  position: number;
  command: AgentCommand;
}

/** Bus channel that says that a session has a new command; with it, where it is short: `{ id, command? }`. */
export const commandsChannel = 'commands';

/** Bytes of JSON; a message of the bus has a ceiling. */
const maxToldBytes = 4 * 1024;

export const createCommands = ({ db }: Database, bus: Bus) => ({
  /** Stores a command and wakes the session-manager when the transaction commits. */
  async enqueue(trx: Trx, { sessionId, author, command }: NewCommand): Promise<void> {
    const insert = trx
      .insertInto('commands')
      .values({ session_id: sessionId, id: command.id, type: command.type, payload: json(command), author });
    await insertLate(trx, insert);
    const isShort = Buffer.byteLength(JSON.stringify(command)) <= maxToldBytes;
    await bus.publishIn(trx, commandsChannel, { id: sessionId, ...(isShort ? { command } : {}) });
  },

  async find(executor: Executor, sessionId: string, id: string): Promise<StoredCommand | null> {
    const row = await executor
      .selectFrom('commands')
      .select(['payload', 'author', 'status'])
      .where('session_id', '=', sessionId)
      .where('id', '=', id)
      .executeTakeFirst();
    return row === undefined ? null : { command: row.payload as AgentCommand, author: row.author, status: row.status };
  },

  /** In the order of storing. The rows of a session are stored under its lock, so a position that shows up later is higher. */
  async pending(sessionId: string, afterPosition: number, limit: number): Promise<PendingCommand[]> {
    const rows = await db
      .selectFrom('commands')
      .select(['position', 'payload'])
      .where('session_id', '=', sessionId)
      .where('status', '=', 'pending')
      .where('position', '>', afterPosition)
      .orderBy('position')
      .limit(limit)
      .execute();
    return rows.map((row) => ({ position: row.position, command: row.payload as AgentCommand }));
  },

  /** Interrupts that nobody has carried out: they end with the turn that they were meant for. */
  async pendingInterrupts(trx: Trx, sessionId: string): Promise<string[]> {
    const rows = await trx
      .selectFrom('commands')
      .select('id')
      .where('session_id', '=', sessionId)
      .where('status', '=', 'pending')
      .where('type', '=', 'interrupt')
      .execute();
    return rows.map((row) => row.id);
  },
});
export type Commands = ReturnType<typeof createCommands>;

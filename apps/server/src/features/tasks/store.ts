// SQL of tasks.

import type { OpenApproval, SessionId, Task, TaskId, TaskStatus, UserId } from '@remote-claude/contract';
import { sql } from 'kysely';

import type { Database, Executor, TaskRow, Trx } from '../../platform/database/index.js';
import type { PageEnd } from '../../platform/page-cursor.js';

const toTask = (row: TaskRow): Task => ({
  id: row.id as TaskId,
  userId: row.user_id as UserId,
  sessionId: row.session_id as SessionId,
  name: row.name,
  description: row.description,
  status: row.status,
  result: row.result,
  createdAt: row.created_at.toISOString(),
  completedAt: row.completed_at?.toISOString() ?? null,
});

export interface NewTask {
  id: string;
  userId: string;
  sessionId: string;
  commandId: string;
  name: string;
  description: string | null;
  at: Date;
}

export interface TaskFilter {
  userId: string;
  sessionId: string | null;
  status: TaskStatus | null;
  after: PageEnd | null;
  limit: number;
}

/** Which tasks of a session change, and to what. */
export interface TaskMove {
  /** By the messages that they are; null for every task of the session. */
  messageIds: readonly string[] | null;
  from: readonly TaskStatus[];
  to: TaskStatus;
  result: string | null;
  at: Date;
}

const over: readonly TaskStatus[] = ['done', 'failed', 'cancelled'];

export const createTasksStore = ({ db }: Database) => ({
  async insert(trx: Trx, task: NewTask): Promise<Task> {
    const row = await trx
      .insertInto('tasks')
      .values({
        id: task.id,
        user_id: task.userId,
        session_id: task.sessionId,
        command_id: task.commandId,
        name: task.name,
        description: task.description,
        created_at: task.at,
      })
      .returningAll()
      .executeTakeFirstOrThrow();
    return toTask(row);
  },

  /** With the message that it is. Only the person's own. */
  async find(
    userId: string,
    id: string,
    executor: Executor = db,
  ): Promise<{ task: Task; messageId: string | null } | null> {
    const row = await executor
      .selectFrom('tasks')
      .selectAll()
      .where('id', '=', id)
      .where('user_id', '=', userId)
      .executeTakeFirst();
    return row === undefined ? null : { task: toTask(row), messageId: row.command_id };
  },

  /** Newest first; only those in sessions that the person may still read. */
  async list({ userId, sessionId, status, after, limit }: TaskFilter): Promise<Task[]> {
    let query = db
      .selectFrom('tasks')
      .selectAll()
      .where('user_id', '=', userId)
      .where((eb) =>
        eb(
          'session_id',
          'in',
          eb.selectFrom('session_people').select('session_id').where('session_people.user_id', '=', userId),
        ),
      )
      .orderBy('created_at', 'desc')
      .orderBy('id', 'desc')
      .limit(limit);
    if (sessionId !== null) query = query.where('session_id', '=', sessionId);
    if (status !== null) query = query.where('status', '=', status);
    if (after !== null) {
      query = query.where((eb) =>
        eb.or([eb('created_at', '<', after.at), eb.and([eb('created_at', '=', after.at), eb('id', '<', after.id)])]),
      );
    }
    return (await query.execute()).map(toTask);
  },

  async move(trx: Trx, sessionId: string, move: TaskMove): Promise<Task[]> {
    if (move.messageIds !== null && move.messageIds.length === 0) return [];
    let query = trx
      .updateTable('tasks')
      .set({
        status: move.to,
        completed_at: over.includes(move.to) ? move.at : null,
        result: over.includes(move.to) ? move.result : null,
      })
      .where('session_id', '=', sessionId)
      .where('status', 'in', move.from)
      .returningAll();
    if (move.messageIds !== null) query = query.where('command_id', 'in', move.messageIds);
    return (await query.execute()).map(toTask);
  },

  /** The question that an answer is for. */
  async questionOf(trx: Trx, sessionId: string, commandId: string): Promise<OpenApproval | null> {
    const row = await trx
      .selectFrom('commands')
      .innerJoin('approvals', (join) =>
        join
          .onRef('approvals.session_id', '=', 'commands.session_id')
          .on('approvals.id', '=', sql<string>`commands.payload ->> 'approvalId'`),
      )
      .select('approvals.asked')
      .where('commands.session_id', '=', sessionId)
      .where('commands.id', '=', commandId)
      .executeTakeFirst();
    return (row?.asked as OpenApproval | undefined) ?? null;
  },

  async rename(trx: Trx, id: string, name: string): Promise<void> {
    await trx.updateTable('tasks').set({ name }).where('id', '=', id).execute();
  },

  async remove(trx: Trx, id: string): Promise<void> {
    await trx.deleteFrom('tasks').where('id', '=', id).execute();
  },
});
export type TasksStore = ReturnType<typeof createTasksStore>;

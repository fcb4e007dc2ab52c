// Tasks: prompts with a name and a state. A task is a message with a name; its state comes from the log.

import { randomUUID } from 'node:crypto';
import {
  AppError,
  taskId as taskIdForm,
  type CommandId,
  type Task,
  type TaskId,
  type TaskStatus,
} from '@remote-claude/contract';

import type { Clock } from '../../platform/clock.js';
import type { Database } from '../../platform/database/index.js';
import type { Access, Actor } from '../../platform/http/index.js';
import { decodeCursor, encodeCursor } from '../../platform/page-cursor.js';
import type { Audit } from '../audit/index.js';
import type { Claude } from '../claude/index.js';
import type { Events } from '../events/index.js';
import { taskChanged } from './projection.js';
import type { TasksStore } from './store.js';

export interface TasksDeps {
  database: Database;
  store: TasksStore;
  events: Events;
  claude: Claude;
  audit: Audit;
  /** A task's route names no session, so its permission is asked for here. */
  access: Pick<Access, 'authorize'>;
  clock: Clock;
}

export interface TaskAct {
  actor: Actor;
  ip: string;
  /** What the act makes and commands has this id: asked again, it is not done twice. */
  operationId?: string;
}

/** How long a cancel waits for what it does, before it answers with the state as it is. */
const cancelWaitMs = 3_000;
const isOver = (status: TaskStatus): boolean => status === 'done' || status === 'failed' || status === 'cancelled';

export const createTasks = (deps: TasksDeps) => {
  const { database, store, events, claude, audit, access, clock } = deps;

  const mine = async (actor: Actor, id: string) => {
    const found = await store.find(actor.userId, id);
    if (found === null) throw new AppError('not_found');
    return found;
  };

  /** Resolves when the task is over, or after a while. */
  const untilOver = (task: Task, after: number): Promise<void> =>
    new Promise((resolve) => {
      const cancelTimer = clock.after(cancelWaitMs, () => finish());
      const follower = events.follow(task.sessionId, after, (page) => {
        if (page.some(({ event }) => event.type === 'task.changed' && event.taskId === task.id && isOver(event.status)))
          finish();
      });
      const finish = (): void => {
        cancelTimer();
        follower.close();
        resolve();
      };
    });

  const cancel = async (act: TaskAct, { task, messageId }: { task: Task; messageId: string | null }): Promise<void> => {
    if (isOver(task.status) || messageId === null) {
      throw new AppError('conflict', { message: `This task is over already: ${task.status}.`, status: task.status });
    }
    const { head } = await events.head(task.sessionId);
    const details = { taskId: task.id, status: 'cancelled' };
    await audit.record(database.db, {
      userId: act.actor.userId,
      sessionId: task.sessionId,
      action: 'tasks.patch',
      details,
      ip: act.ip,
    });
    const claudeAct = {
      actor: act.actor,
      ip: act.ip,
      sessionId: task.sessionId,
      id: act.operationId as CommandId | undefined,
    };
    try {
      if (task.status === 'queued') await claude.withdraw(claudeAct, messageId as CommandId);
      else await claude.interrupt(claudeAct, { messageId: messageId as CommandId });
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'session_not_running') throw error;
      throw new AppError(
        'conflict',
        { message: 'Its session is stopped. Start the session, then cancel the task.' },
        { cause: error },
      );
    }
    await untilOver(task, head);
  };

  return {
    async create(
      act: TaskAct,
      sessionId: string,
      wanted: { name: string; description?: string | undefined },
    ): Promise<Task> {
      await access.authorize(act.actor, 'session.chat.write', sessionId);
      const description = wanted.description === undefined || wanted.description === '' ? null : wanted.description;
      const prompt = description === null ? wanted.name : `${wanted.name}\n\n${description}`;
      const { actor, ip } = act;
      return database.transaction(async (trx) => {
        const id = (act.operationId ?? randomUUID()) as TaskId;
        const commandId = id as string as CommandId;
        await events.lock(trx, sessionId);
        const made = await store.find(actor.userId, id, trx);
        if (made !== null) return made.task;
        const row = { id, userId: actor.userId, sessionId, commandId, name: wanted.name, description, at: clock.now() };
        const task = await store.insert(trx, row);
        await claude.say(trx, { actor, ip, sessionId, id: commandId }, prompt, id);
        await events.record(trx, sessionId, [taskChanged(task)]);
        return task;
      });
    },

    async list(
      { actor }: Pick<TaskAct, 'actor'>,
      query: {
        cursor?: string | undefined;
        limit: number;
        sessionId?: string | undefined;
        status?: TaskStatus | undefined;
      },
    ): Promise<{ items: Task[]; nextCursor: string | null }> {
      const rows = await store.list({
        userId: actor.userId,
        sessionId: query.sessionId ?? null,
        status: query.status ?? null,
        after: query.cursor === undefined ? null : decodeCursor(query.cursor, taskIdForm),
        limit: query.limit + 1,
      });
      const items = rows.slice(0, query.limit);
      const last = items.at(-1);
      return {
        items,
        nextCursor:
          rows.length > items.length && last !== undefined
            ? encodeCursor({ at: new Date(last.createdAt), id: last.id })
            : null,
      };
    },

    get: async ({ actor }: Pick<TaskAct, 'actor'>, id: string): Promise<Task> => (await mine(actor, id)).task,

    async patch(
      act: TaskAct,
      id: string,
      change: { name?: string | undefined; status?: 'cancelled' | undefined },
    ): Promise<Task> {
      const found = await mine(act.actor, id);
      const { sessionId } = found.task;
      await access.authorize(act.actor, 'session.chat.write', sessionId);
      const { name } = change;
      if (name !== undefined && name !== found.task.name) {
        await database.transaction(async (trx) => {
          await events.lock(trx, sessionId);
          await store.rename(trx, id, name);
          await audit.record(trx, {
            userId: act.actor.userId,
            sessionId,
            action: 'tasks.patch',
            details: { taskId: id, name },
            ip: act.ip,
          });
          const renamed = await store.find(act.actor.userId, id, trx);
          if (renamed !== null) await events.record(trx, sessionId, [taskChanged(renamed.task)]);
        });
      }
      if (change.status === 'cancelled' && found.task.status !== 'cancelled') await cancel(act, found);
      return (await mine(act.actor, id)).task;
    },

    async remove(act: TaskAct, id: string): Promise<Task> {
      const { task } = await mine(act.actor, id);
      return database.transaction(async (trx) => {
        await events.lock(trx, task.sessionId);
        const now = await store.find(act.actor.userId, id, trx);
        if (now === null) throw new AppError('not_found');
        if (!isOver(now.task.status))
          throw new AppError('conflict', { message: 'This task is not over. Cancel it first.' });
        await audit.record(trx, {
          userId: act.actor.userId,
          sessionId: task.sessionId,
          action: 'tasks.delete',
          details: { taskId: id, name: now.task.name },
          ip: act.ip,
        });
        await store.remove(trx, id);
        return now.task;
      });
    },
  };
};
export type Tasks = ReturnType<typeof createTasks>;

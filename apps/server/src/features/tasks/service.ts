// Tasks: prompts with a name and a state. A task is a message with a name; its state comes from the log.

import { createHash, randomUUID } from 'node:crypto';
import {
  AppError,
  taskId as taskIdForm,
  type CommandId,
  type SessionPermission,
  type Task,
  type TaskId,
  type TaskStatus,
} from '@remote-claude/contract';

import type { Clock } from '../../platform/clock.js';
import type { Database, Trx } from '../../platform/database/index.js';
import type { Access, Actor } from '../../platform/http/index.js';
import { decodeCursor, encodeCursor } from '../../platform/page-cursor.js';
import type { Audit } from '../audit/index.js';
import type { Claude } from '../claude/index.js';
import type { Commands, Events } from '../events/index.js';
import { taskChanged } from './projection.js';
import type { TasksStore } from './store.js';

export interface TasksDeps {
  database: Database;
  store: TasksStore;
  events: Events;
  commands: Pick<Commands, 'find'>;
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
/** The same id for the same name. */
const uuidOf = (name: string): string => {
  const hex = createHash('sha256').update(name).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
};
const isOver = (status: TaskStatus): boolean => status === 'done' || status === 'failed' || status === 'cancelled';

export const createTasks = (deps: TasksDeps) => {
  const { database, store, events, commands, claude, audit, access, clock } = deps;

  const own = async (actor: Actor, id: string, trx?: Trx) => {
    const found = await store.find(actor.userId, id, trx);
    if (found === null) throw new AppError('not_found');
    return found;
  };

  /** A task stays its author's only as long as they may do this in its session. */
  const mine = async (actor: Actor, id: string, permission: SessionPermission) => {
    const found = await own(actor, id);
    await access.authorize(actor, permission, found.task.sessionId);
    return found;
  };

  /** Resolves when the task's state is as wanted, or after a while. */
  const until = async (actor: Actor, task: Task, isWanted: (status: TaskStatus) => boolean): Promise<void> => {
    const { head } = await events.head(task.sessionId);
    await new Promise<void>((resolve) => {
      const finish = (): void => {
        cancelTimer();
        follower.close();
        resolve();
      };
      const cancelTimer = clock.after(cancelWaitMs, finish);
      // From the last event on, so that it is looked at once at least.
      const follower = events.follow(task.sessionId, head - 1, async () => {
        if (isWanted((await own(actor, task.id)).task.status)) finish();
      });
    });
  };

  /**
   * Takes the message back, and interrupts its turn where Claude has it already: two commands, each with an id that
   * follows from the act's, so that the act repeated after a crash goes on where it was.
   */
  const cancel = async (act: TaskAct, { task, messageId }: { task: Task; messageId: string | null }): Promise<void> => {
    const { actor, ip } = act;
    const { sessionId } = task;
    const withdrawId = (act.operationId ?? randomUUID()) as CommandId;
    const interruptId = uuidOf(`${withdrawId} interrupt`) as CommandId;
    const isBegun = async (id: CommandId): Promise<boolean> =>
      (await commands.find(database.db, sessionId, id)) !== null;
    const [isWithdrawn, isInterrupted] = [await isBegun(withdrawId), await isBegun(interruptId)];
    if (messageId === null || (isOver(task.status) && !isWithdrawn && !isInterrupted)) {
      throw new AppError('conflict', { message: `This task is over already: ${task.status}.`, status: task.status });
    }
    if (isOver(task.status)) return;
    if (!isWithdrawn && !isInterrupted) {
      const details = { taskId: task.id, status: 'cancelled' };
      await audit.record(database.db, { userId: actor.userId, sessionId, action: 'tasks.patch', details, ip });
    }
    try {
      if (task.status === 'queued') {
        if (!isWithdrawn) await claude.withdraw({ actor, ip, sessionId, id: withdrawId }, messageId as CommandId);
        await until(actor, task, (status) => status !== 'queued');
        const { status } = (await own(actor, task.id)).task;
        if (status === 'queued' || isOver(status)) return;
      }
      if (!isInterrupted)
        await claude.interrupt({ actor, ip, sessionId, id: interruptId }, { messageId: messageId as CommandId });
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'session_not_running') throw error;
      throw new AppError(
        'conflict',
        { message: 'Its session is stopped. Start the session, then cancel the task.' },
        { cause: error },
      );
    }
    await until(actor, task, isOver);
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

    get: async ({ actor }: Pick<TaskAct, 'actor'>, id: string): Promise<Task> =>
      (await mine(actor, id, 'session.chat.read')).task,

    async patch(
      act: TaskAct,
      id: string,
      change: { name?: string | undefined; status?: 'cancelled' | undefined },
    ): Promise<Task> {
      const found = await mine(act.actor, id, 'session.chat.write');
      const { sessionId } = found.task;
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
      return (await mine(act.actor, id, 'session.chat.read')).task;
    },

    async remove(act: TaskAct, id: string): Promise<Task> {
      const { task } = await mine(act.actor, id, 'session.chat.write');
      return database.transaction(async (trx) => {
        await events.lock(trx, task.sessionId);
        const now = await own(act.actor, id, trx);
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

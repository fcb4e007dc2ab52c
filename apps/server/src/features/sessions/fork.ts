// A session that is made from another. The agent of that one keeps what the fork begins with; then the rows and the copied
// log are there at once or not at all. How the files come over is the session-manager's matter.

import { randomUUID } from 'node:crypto';
import {
  agentPaths,
  AppError,
  forkPoint,
  type CommandId,
  type ForkPoint,
  type ServerEvent,
  type Session,
  type SessionConfig,
  type SessionState,
} from '@remote-claude/contract';
import { z } from 'zod';

import type { Clock } from '../../platform/clock.js';
import type { Database, Trx } from '../../platform/database/index.js';
import type { Log } from '../../platform/log.js';
import type { Audit } from '../audit/index.js';
import type { Events } from '../events/index.js';
import type { Entering } from '../projects/index.js';
import { askAgent, postingJson, type AgentDoor } from '../relay/index.js';
import type { Request } from './request.js';
import type { SessionsStore } from './store.js';

export interface ForkDeps {
  database: Database;
  store: SessionsStore;
  events: Events;
  audit: Audit;
  clock: Clock;
  door: AgentDoor;
  projects: Pick<Entering, 'besides'>;
  log: Log;
  shown(sessionId: string, trx?: Trx): Promise<Session>;
  /** Throws where this person has as many running as they may. */
  requireRoom(executor: Trx, userId: string): Promise<void>;
  /** Its set-up script, which is run in the fork too. */
  askFirst(trx: Trx, sessionId: string, request: Request, script: string): Promise<void>;
  /** First events of a place that is still to be made. */
  toBeStarted(): ServerEvent;
}

/** Tells a session that it need keep nothing for this fork. One that is away is told when it is linked again. */
export const createLetGo =
  ({ door, log }: Pick<ForkDeps, 'door' | 'log'>) =>
  (sourceId: string, forkId: string): void => {
    askAgent(door, sourceId, postingJson(agentPaths.forkRelease, { forkId }), z.unknown()).catch((err: unknown) => {
      log.info({ err, sessionId: sourceId, forkId }, 'what a fork would have begun with is kept for a while');
    });
  };

export interface ForkBody {
  messageId?: CommandId | undefined;
  name?: string | undefined;
}

interface Forking {
  id: string;
  request: Request;
  sourceId: string;
  messageId: CommandId | null;
  name: string | undefined;
  point: ForkPoint;
}

/** A tree of a hundred thousand files that nobody looked at for a while takes its time. */
const thinkMs = 120_000;
/** A longer history would hold up the database for minutes. */
const maxEvents = 500_000;
const maxNameUnits = 120;

const startFirst = 'The session must run for its files to be copied. Start it, then fork it. Nothing was made.';
const tooOld =
  'This session runs on an older version of this program, which cannot be forked. Stop the session, start it again, and fork it then.';
const changedMeanwhile =
  'Claude began to work in the session meanwhile. Wait for the end of the turn, and fork it again.';

export const createFork = (deps: ForkDeps) => {
  const { database, store, events, audit, clock, door } = deps;
  const letGo = createLetGo(deps);

  const keep = async (sourceId: string, forkId: string, messageId: CommandId | null): Promise<ForkPoint> => {
    const request = { ...postingJson(agentPaths.forkPoint, { forkId, messageId }), thinkMs };
    try {
      return await askAgent(door, sourceId, request, forkPoint);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      if (error.code === 'session_not_running')
        throw new AppError(error.code, { message: startFirst }, { cause: error });
      if (error.code === 'not_found') throw new AppError('conflict', { message: tooOld }, { cause: error });
      throw error;
    }
  };

  /** The first number of the other log that the fork does not have. The log and the agent must mean the same moment. */
  const firstNotCopied = async (
    trx: Trx,
    sourceId: string,
    messageId: CommandId | null,
    { turnId }: ForkPoint,
  ): Promise<number> => {
    if (messageId !== null) {
      const seq = await events.beginningOf(trx, sourceId, messageId);
      if (seq === null)
        throw new AppError('conflict', {
          message: 'Claude has not begun with this message yet. Fork the session as it is.',
        });
      return seq;
    }
    const found = await store.find(sourceId, trx);
    if (found === null) throw new AppError('not_found');
    const { state, head } = found;
    const isAsThen = turnId === null || state.lastTurn?.turnId === turnId;
    if (state.turn !== null || !isAsThen) throw new AppError('conflict', { message: changedMeanwhile });
    return head + 1;
  };

  const make = async (trx: Trx, { id, request, sourceId, messageId, name, point }: Forking): Promise<Session> => {
    const { actor, ip } = request;
    const by = { userId: actor.userId, name: actor.name };
    await store.lockOwner(trx, actor.userId);
    const project = await deps.projects.besides(trx, actor, sourceId);
    await deps.requireRoom(trx, actor.userId);
    const before = await firstNotCopied(trx, sourceId, messageId, point);
    if (before > maxEvents)
      throw new AppError('conflict', { message: 'The history of this session is too long to be copied.' });
    const source = await deps.shown(sourceId, trx);
    const origin = await events.creation(trx, sourceId);
    const from = { sessionId: source.id, messageId, name: source.name };
    const called = name ?? `${source.name.slice(0, maxNameUnits - ' (fork)'.length)} (fork)`;
    const found = await store.find(sourceId, trx);
    const { env, image, setupScript } = (found?.config ?? {}) as SessionConfig;
    const prepared = { ...(env && { env }), ...(image && { image }), ...(setupScript && { setupScript }) };
    const config: SessionConfig = { name: called, resources: source.resources, ...prepared };
    await store.insert(trx, {
      id,
      userId: actor.userId,
      projectId: project.id,
      name: called,
      config,
      at: clock.now(),
    });
    await audit.record(trx, {
      userId: actor.userId,
      sessionId: sourceId,
      action: 'sessions.fork',
      details: { forkId: id, messageId },
      ip,
    });
    const details = { name: called, project: project.id, forkedFrom: { sessionId: sourceId, messageId } };
    await audit.record(trx, { userId: actor.userId, sessionId: id, action: 'sessions.create', details, ip });
    const permissionMode = origin?.permissionMode ?? 'default';
    await events.record(trx, id, [
      { type: 'session.created', by, name: called, model: origin?.model ?? null, permissionMode },
    ]);
    await events.continueFrom(trx, id, { from: sourceId, before }, [
      { type: 'session.forked', by, from },
      deps.toBeStarted(),
    ]);
    if (setupScript !== undefined) await deps.askFirst(trx, id, request, setupScript);
    await events.announceWanted(trx, id);
    return deps.shown(id, trx);
  };

  return async (sourceId: string, request: Request, body: ForkBody): Promise<Session> => {
    const { messageId = null, name } = body;
    const id = request.operationId ?? randomUUID();
    if ((await store.find(id)) !== null) return deps.shown(id);
    const { state } = await events.head(sourceId);
    requireRunning(state);
    // Before another session keeps anything for it.
    await database.transaction((trx) => deps.requireRoom(trx, request.actor.userId));
    const point = await keep(sourceId, id, messageId);
    try {
      return await database.transaction((trx) => make(trx, { id, request, sourceId, messageId, name, point }));
    } catch (error) {
      // Of another error it is not known whether the session was made.
      if (error instanceof AppError) letGo(sourceId, id);
      throw error;
    }
  };
};

const requireRunning = ({ wanted, fork }: SessionState): void => {
  if (wanted === 'terminated') {
    throw new AppError('conflict', {
      message: 'This session is terminated, and nothing of it can be copied any more.',
    });
  }
  if (wanted !== 'running') throw new AppError('session_not_running', { message: startFirst });
  if (fork !== null && !fork.isFilled) {
    throw new AppError('conflict', {
      message:
        'The files of this session are still being copied from the one that it comes from. Fork it when it has started.',
    });
  }
};

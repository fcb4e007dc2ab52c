// Sessions: what people want of them. It starts nothing; the session-manager makes it so.

import { randomUUID } from 'node:crypto';
import {
  AppError,
  sessionId as sessionIdForm,
  type ApprovalId,
  type ResourceRequest,
  type ServerEvent,
  type Session,
  type SessionConfig,
  type SessionState,
  type WantedState,
} from '@remote-claude/contract';

import type { Clock } from '../../platform/clock.js';
import type { Database, Trx } from '../../platform/database/index.js';
import type { Log } from '../../platform/log.js';
import { decodeCursor, encodeCursor } from '../../platform/page-cursor.js';
import type { Rights } from '../access/index.js';
import type { Audit } from '../audit/index.js';
import type { Commands, Events } from '../events/index.js';
import type { Entering } from '../projects/index.js';
import type { AgentDoor } from '../relay/index.js';
import { createFork, createLetGo } from './fork.js';
import type { ImageRules } from './images.js';
import type { Request } from './request.js';
import { createReview } from './review.js';
import { auditable, createSetup } from './setup.js';
import { toSession, type ShownSetup } from './show.js';
import type { SessionsStore } from './store.js';

export interface SessionsDeps {
  database: Database;
  store: SessionsStore;
  events: Events;
  commands: Commands;
  audit: Audit;
  clock: Clock;
  door: AgentDoor;
  projects: Entering;
  log: Log;
  setup: ShownSetup;
  /** Sessions that one person may have running. */
  maxPerUser: number;
  /** Throws where this model may not be used here. */
  requireModel(model: string): void;
  images: Pick<ImageRules, 'require' | 'shown' | 'refusalOf'>;
  rights: Rights;
  /** Throws where no session may use so much here. */
  requireResources(asked: ResourceRequest): void;
  /** Where a session names no model; null leaves it to Claude Code. */
  defaultModel(): Promise<string | null>;
}

export interface ListQuery {
  cursor?: string | undefined;
  limit: number;
  search?: string | undefined;
  project?: string | undefined;
  terminated: 'true' | 'false';
}

export const createSessions = (deps: SessionsDeps) => {
  const { database, store, events, audit, clock } = deps;

  const shown = async (sessionId: string, trx?: Trx): Promise<Session> => {
    const row = await store.find(sessionId, trx);
    if (row === null) throw new AppError('not_found');
    return toSession(row, deps.setup);
  };

  /** The owner is locked, so that nobody else counts. */
  const requireRoom = async (trx: Trx, userId: string): Promise<void> => {
    if ((await store.countRunning(trx, userId)) >= deps.maxPerUser) {
      throw new AppError('session_limit', {
        message: `One person may have ${deps.maxPerUser} sessions running, and the owner of this one has as many. Stop or terminate one of the owner’s first.`,
        limit: deps.maxPerUser,
      });
    }
  };

  /** What may still be brought back is not an editor's to give up. */
  const requireManage = async (sessionId: string, { actor }: Pick<Request, 'actor'>): Promise<void> => {
    if (actor.role === 'admin' || (await deps.rights.may(actor.userId, sessionId, 'session.manage'))) return;
    const message = 'Only its owner or an administrator may start this session without its files.';
    throw new AppError('forbidden', { message });
  };

  const letGo = createLetGo(deps);
  const { ask, askFirst, ...setup } = createSetup({ ...deps, shown });
  const toBeStarted = (): ServerEvent => placeChange('running', { status: 'none', step: 'Waiting to be started' });
  const review = createReview({ ...deps, shown, ask, toBeStarted });
  const fork = createFork({
    ...deps,
    shown,
    askFirst,
    requireRoom,
    toBeStarted,
  });

  /** One act on a session: its audit row, its events and the answer, all or nothing. */
  const act = (
    sessionId: string,
    request: Request,
    action: string | { action: string; details: Record<string, unknown> },
    work: (trx: Trx, state: SessionState) => Promise<ServerEvent[]>,
  ) =>
    database.transaction(async (trx) => {
      const { state } = await events.lock(trx, sessionId);
      const happened = await work(trx, state);
      const what = typeof action === 'string' ? { action } : action;
      await audit.record(trx, { userId: request.actor.userId, sessionId, ...what, ip: request.ip });
      if (happened.length > 0) await events.record(trx, sessionId, happened);
      return shown(sessionId, trx);
    });

  return {
    get: (sessionId: string): Promise<Session> => shown(sessionId),

    async list(
      { actor }: Pick<Request, 'actor'>,
      query: ListQuery,
    ): Promise<{ items: Session[]; nextCursor: string | null }> {
      const rows = await store.list({
        memberId: actor.role === 'admin' ? null : actor.userId,
        search: query.search === undefined || query.search === '' ? null : query.search,
        projectId: query.project ?? null,
        terminated: query.terminated === 'true',
        after: query.cursor === undefined ? null : decodeCursor(query.cursor, sessionIdForm),
        limit: query.limit + 1,
      });
      const page = rows.slice(0, query.limit);
      const last = page.at(-1);
      return {
        items: page.map((row) => toSession(row, deps.setup)),
        nextCursor:
          rows.length > page.length && last !== undefined
            ? encodeCursor({ at: last.last_activity, id: last.id })
            : null,
      };
    },

    create: async (request: Request, config: SessionConfig): Promise<Session> => {
      const { actor } = request;
      const id = request.operationId ?? randomUUID();
      const { project: projectId, ...stored } = config;
      if ((await store.find(id)) !== null) return shown(id);
      const { defaults } = await deps.projects.enter(actor, projectId);
      const chosen = config.model ?? defaults.model;
      if (chosen !== undefined) deps.requireModel(chosen);
      if (config.image !== undefined) deps.images.require(config.image);
      if (config.resources !== undefined) deps.requireResources(config.resources);
      const model = chosen ?? (await deps.defaultModel());
      return database.transaction(async (trx) => {
        await store.lockOwner(trx, actor.userId);
        const made = await store.find(id, trx);
        if (made !== null) return toSession(made, deps.setup);
        const project = await deps.projects.enter(actor, projectId, trx);
        await requireRoom(trx, actor.userId);
        const name = config.name ?? 'New session';
        const owned = { id, userId: actor.userId, projectId: project.id };
        await store.insert(trx, { ...owned, name, config: stored, at: clock.now() });
        await audit.record(trx, {
          userId: actor.userId,
          sessionId: id,
          action: 'sessions.create',
          details: { ...auditable(config), project: project.id },
          ip: request.ip,
        });
        await events.record(trx, id, [
          {
            type: 'session.created',
            by: { userId: actor.userId, name: actor.name },
            name,
            model,
            permissionMode: config.permissionMode ?? defaults.permissionMode ?? 'default',
          },
          toBeStarted(),
        ]);
        if (config.setupScript !== undefined) await askFirst(trx, id, request, config.setupScript);
        await events.announceWanted(trx, id);
        return shown(id, trx);
      });
    },

    /** A session of whoever asks, made from this one. */
    fork,

    /** How its place is prepared, and what can be changed of a session. */
    setup,

    /** The dev container that its repository brings, and its place made anew. */
    review,

    stop: (sessionId: string, request: Request): Promise<Session> =>
      act(sessionId, request, 'sessions.stop', async (_trx, state) => {
        if (state.wanted === 'terminated')
          throw new AppError('conflict', { message: 'This session is terminated; nothing runs in it.' });
        return state.wanted === 'stopped' ? [] : [ending(state, 'stopped')];
      }),

    /** `disk`: on an empty one, where that which it had is gone. */
    start(sessionId: string, request: Request, disk?: 'new'): Promise<Session> {
      const action = disk === undefined ? 'sessions.start' : { action: 'sessions.start', details: { disk } };
      return act(sessionId, request, action, async (trx, state) => {
        if (state.wanted === 'terminated')
          throw new AppError('conflict', { message: 'A terminated session cannot start again.' });
        const failed = state.place.status === 'failed';
        if (state.wanted === 'running' && !failed) return [];
        if (disk === 'new') {
          await requireManage(sessionId, request);
          if (state.place.diskGone !== true)
            throw new AppError('conflict', {
              message:
                'The disk of this session is not known to be gone. Start it as usual: it goes on with its files.',
            });
          await store.forgetDisk(trx, sessionId);
          const { setupScript }: SessionConfig = (await store.find(sessionId, trx))?.config ?? {};
          if (setupScript !== undefined) await askFirst(trx, sessionId, request, setupScript);
        }
        if (state.wanted === 'stopped') {
          const { userId } = await shown(sessionId, trx);
          await store.lockOwner(trx, userId);
          await requireRoom(trx, userId);
          await store.wantAnew(trx, sessionId);
        }
        await store.forgetAttempts(trx, sessionId);
        // Woken by hand: after a failure what is wanted stays the same.
        await events.announceWanted(trx, sessionId);
        const status = failed || state.place.status === 'stopped' ? 'none' : state.place.status;
        return [placeChange('running', { status, step: 'Waiting to be started' })];
      });
    },

    terminate: async (sessionId: string, request: Request): Promise<Session> => {
      let unfilledFrom: string | null = null;
      const terminated = await act(sessionId, request, 'sessions.delete', async (trx, state) => {
        if (state.wanted === 'terminated') return [];
        if (state.fork?.isFilled === false) unfilledFrom = state.fork.sessionId;
        await store.terminate(trx, sessionId, clock.now());
        return [...state.approvals.map(({ approvalId }) => overFor(approvalId)), ending(state, 'terminated')];
      });
      if (unfilledFrom !== null) letGo(unfilledFrom, sessionId);
      return terminated;
    },
  };
};
export type Sessions = ReturnType<typeof createSessions>;

const placeChange = (wanted: WantedState, place: Pick<SessionState['place'], 'status' | 'step'>): ServerEvent => ({
  type: 'place.changed',
  wanted,
  status: place.status,
  step: place.step,
  reason: null,
  next: null,
});

/** A stopped session keeps its questions, for it can go on; a terminated one never asks again. */
const overFor = (approvalId: ApprovalId): ServerEvent => ({
  type: 'approval.expired',
  approvalId,
  reason: 'The session was terminated before anyone answered.',
});

/** A place that is there is stopping; one that is not has stopped already. */
const ending = (state: SessionState, wanted: 'stopped' | 'terminated'): ServerEvent => {
  const gone = state.place.status === 'stopped';
  return placeChange(wanted, { status: gone ? 'stopped' : 'stopping', step: null });
};

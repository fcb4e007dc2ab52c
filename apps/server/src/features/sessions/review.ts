// The dev container of a repository, looked at and used. It is read from the work tree through the agent, and used only as it was
// when somebody read it; the place is then made anew on the same disk. It runs nothing itself.

import { randomUUID } from 'node:crypto';
import {
  agentPaths,
  AppError,
  devContainerPaths,
  errorOf,
  isSettingUp,
  sessionEnvironment,
  type CommandId,
  type DevContainer,
  type ServerEvent,
  type Session,
  type SessionConfig,
  type SessionState,
  type UsedDevContainer,
} from '@remote-claude/contract';
import { isDeepStrictEqual } from 'node:util';

import type { Database, Trx } from '../../platform/database/index.js';
import type { Audit } from '../audit/index.js';
import type { Events } from '../events/index.js';
import { textOfAnswer, type AgentDoor } from '../relay/index.js';
import { readDevContainer } from './dev-container.js';
import type { ImageRules } from './images.js';
import type { Request } from './request.js';
import type { AskedSetup } from './setup.js';
import type { SessionsStore } from './store.js';

export interface ReviewDeps {
  database: Database;
  store: SessionsStore;
  events: Events;
  audit: Audit;
  door: AgentDoor;
  images: Pick<ImageRules, 'shown' | 'refusalOf'>;
  shown(sessionId: string, trx?: Trx): Promise<Session>;
  ask(trx: Trx, asked: AskedSetup): Promise<void>;
  /** Of a session that has no place. */
  toBeStarted(): ServerEvent;
}

/** What is stored of a session beside what was chosen for it. */
export type StoredConfig = SessionConfig & {
  devContainer?: UsedDevContainer;
  /** This place is to make room for another one of the session. */
  replacePlace?: string;
};

const maxFileBytes = 128 * 1024;

export const createReview = (deps: ReviewDeps) => {
  const { database, store, events, audit, door, images, shown } = deps;

  const readFile = async (sessionId: string, path: string): Promise<string | null> => {
    const headers = { range: `bytes=0-${maxFileBytes}` };
    const address = `${agentPaths.content}?path=${encodeURIComponent(path)}`;
    const answer = await door.request(sessionId, { method: 'GET', path: address, headers });
    const text = await textOfAnswer(answer.body);
    // An empty file has no range.
    if (answer.status === 404 || answer.status === 416) return null;
    if (answer.status >= 400) {
      const error = errorOf(answer.status, text);
      if (error.code === 'wrong_kind' || error.code === 'not_found') return null;
      throw error;
    }
    if (Buffer.byteLength(text) > maxFileBytes)
      throw new AppError('payload_too_large', { message: `${path} is too large to be a dev container.` });
    return text;
  };

  const find = async (sessionId: string): Promise<DevContainer | null> => {
    for (const path of devContainerPaths) {
      const text = await readFile(sessionId, path);
      if (text !== null) return readDevContainer({ path, text }, images);
    }
    return null;
  };

  const rowOf = async (sessionId: string, trx?: Trx) => {
    const row = await store.find(sessionId, trx);
    if (row === null) throw new AppError('not_found');
    return { placeId: row.place_id, config: (row.config ?? {}) as StoredConfig };
  };

  return {
    async look(sessionId: string): Promise<{ found: DevContainer | null; used: UsedDevContainer | null }> {
      const { config } = await rowOf(sessionId);
      return { found: await find(sessionId), used: config.devContainer ?? null };
    },

    async use(sessionId: string, request: Request, hash: string): Promise<Session> {
      const id = (request.operationId ?? randomUUID()) as CommandId;
      const found = await find(sessionId);
      if (found?.hash !== hash) throw new AppError('conflict', { message: changedSince });
      const [problem] = found.refused;
      if (problem !== undefined) throw new AppError('conflict', { message: `${problem.name}: ${problem.why}` });
      return database.transaction(async (trx) => {
        const { state, command } = await events.lockWithCommand(trx, sessionId, id);
        if (command !== null) return shown(sessionId, trx);
        requireQuiet(state);
        const { placeId, config } = await rowOf(sessionId, trx);
        const { path, forwardPorts, script } = found;
        const chosen: StoredConfig = {
          ...config,
          ...(found.image !== null && { image: found.image }),
          // What a person chose counts before what a repository says.
          env: { ...found.env, ...config.env },
          ...(script !== null && { setupScript: script }),
          devContainer: { path, hash, forwardPorts },
        };
        if (!sessionEnvironment.safeParse(chosen.env).success)
          throw new AppError('conflict', { message: 'With its variables the session would have too many.' });
        const isSame = chosen.image === config.image && isDeepStrictEqual(chosen.env, config.env ?? {});
        const next = isSame || placeId === null ? chosen : { ...chosen, replacePlace: placeId };
        const details = { path, hash, image: found.image, env: Object.keys(found.env), script: script?.length ?? 0 };
        const { userId } = request.actor;
        await audit.record(trx, { userId, sessionId, action: 'devContainer.use', details, ip: request.ip });
        await store.changeConfig(trx, sessionId, next);
        const notIn = isSame ? null : placeId;
        if (script !== null) await deps.ask(trx, { sessionId, request, id, script, again: true, notIn });
        await events.announceWanted(trx, sessionId);
        return shown(sessionId, trx);
      });
    },

    /** Its place makes room for another, with what was changed of the session. */
    restart: (sessionId: string, request: Request): Promise<Session> =>
      database.transaction(async (trx) => {
        const { state } = await events.lock(trx, sessionId);
        if (state.wanted !== 'running') throw new AppError('session_not_running');
        const { placeId, config } = await rowOf(sessionId, trx);
        const { userId } = request.actor;
        await audit.record(trx, { userId, sessionId, action: 'sessions.restart', ip: request.ip });
        if (placeId !== null) await store.changeConfig(trx, sessionId, { ...config, replacePlace: placeId });
        else {
          // One that could not be started is tried at once, as at a start.
          await store.forgetAttempts(trx, sessionId);
          await events.record(trx, sessionId, [deps.toBeStarted()]);
        }
        await events.announceWanted(trx, sessionId);
        return shown(sessionId, trx);
      }),
  };
};

const changedSince =
  'The dev container is another one than that which you looked at. Look at it again. Nothing was done.';

const requireQuiet = (state: SessionState): void => {
  if (state.wanted !== 'running' || state.place.status !== 'running') throw new AppError('session_not_running');
  if (state.turn !== null)
    throw new AppError('conflict', {
      message: 'Claude is at work. Interrupt the turn or wait for its end, then use the dev container.',
    });
  if (isSettingUp(state))
    throw new AppError('conflict', { message: 'The set-up script waits or runs already. Wait for its end.' });
};

// How the places of sessions are prepared, as people ask for it: variables, image, set-up script. It runs nothing: the script is a
// command to the agent, and the rest counts when a place is made.

import { randomUUID } from 'node:crypto';
import {
  AppError,
  isSettingUp,
  type CommandId,
  type Preparation,
  type ServerEvent,
  type Session,
  type SessionConfig,
  type SessionState,
} from '@remote-claude/contract';

import type { Database, Trx } from '../../platform/database/index.js';
import type { Rights } from '../access/index.js';
import type { Audit } from '../audit/index.js';
import type { Commands, Events } from '../events/index.js';
import type { ImageRules } from './images.js';
import type { Request } from './request.js';
import type { SessionsStore } from './store.js';

export interface SetupDeps {
  database: Database;
  store: SessionsStore;
  events: Events;
  commands: Commands;
  audit: Audit;
  images: Pick<ImageRules, 'require'>;
  rights: Rights;
  shown(sessionId: string, trx?: Trx): Promise<Session>;
}

export interface SessionChange {
  name?: string | undefined;
  env?: SessionConfig['env'];
  image?: string | null | undefined;
}

export interface AskedSetup {
  sessionId: string;
  request: Pick<Request, 'actor'>;
  id: CommandId;
  script: string;
  /** Also where it has ended well on this disk. */
  again: boolean;
  /** A place that makes room for another one, in which it is run. */
  notIn: string | null;
}

/** For the audit log: what was chosen, without what may be a secret. */
export const auditable = ({ env, setupScript, ...plain }: SessionConfig): Record<string, unknown> => ({
  ...plain,
  ...(env !== undefined && { env: Object.keys(env) }),
  ...(setupScript !== undefined && { setupScript: `${setupScript.length} characters` }),
});

export const createSetup = (deps: SetupDeps) => {
  const { database, store, events, commands, audit, shown } = deps;

  const configOf = async (sessionId: string, trx?: Trx): Promise<SessionConfig> => {
    const row = await store.find(sessionId, trx);
    if (row === null) throw new AppError('not_found');
    return row.config ?? {};
  };

  /** In the transaction in which it is wanted, so that it is told before every prompt that comes later. */
  const ask = async (trx: Trx, { sessionId, request, id, script, again, notIn }: AskedSetup): Promise<void> => {
    const { userId, name } = request.actor;
    const by = { userId, name };
    const asked = { setupId: id, by, script: await events.boundText(trx, sessionId, script) };
    await events.record(trx, sessionId, [{ type: 'setup.asked', ...asked }]);
    const command = { id, type: 'setup' as const, script, again, ...(notIn !== null && { notIn }) };
    await commands.enqueue(trx, { sessionId, author: userId, command });
  };

  return {
    ask,

    /** Of a session that is being made. */
    async askFirst(trx: Trx, sessionId: string, request: Pick<Request, 'actor'>, script: string): Promise<void> {
      await ask(trx, { sessionId, request, id: randomUUID() as CommandId, script, again: false, notIn: null });
    },

    async get(sessionId: string): Promise<Preparation> {
      const { image = null, env = {}, setupScript = null } = await configOf(sessionId);
      return { image, env: Object.keys(env), script: setupScript };
    },

    run: (sessionId: string, request: Request, given: string | undefined): Promise<Session> =>
      database.transaction(async (trx) => {
        const id = (request.operationId ?? randomUUID()) as CommandId;
        const { state, command: before } = await events.lockWithCommand(trx, sessionId, id);
        if (before !== null) return shown(sessionId, trx);
        requireQuiet(state);
        const config = await configOf(sessionId, trx);
        const script = given ?? config.setupScript;
        if (script === undefined)
          throw new AppError('conflict', {
            message: 'This session has no set-up script. Send the one that shall run.',
          });
        const details = { setupId: id, characters: script.length, isNew: script !== config.setupScript };
        const { userId } = request.actor;
        await audit.record(trx, { userId, sessionId, action: 'setup.run', details, ip: request.ip });
        await store.changeConfig(trx, sessionId, { ...config, setupScript: script });
        await ask(trx, { sessionId, request, id, script, again: true, notIn: null });
        return shown(sessionId, trx);
      }),

    async change(sessionId: string, request: Request, change: SessionChange): Promise<Session> {
      const isPrepared = change.env !== undefined || change.image !== undefined;
      if (isPrepared && !(await deps.rights.may(request.actor.userId, sessionId, 'session.prepare')))
        throw new AppError('forbidden', { message: 'Only its owner may say what this session is made of.' });
      return database.transaction(async (trx) => {
        const { state } = await events.lock(trx, sessionId);
        if (typeof change.image === 'string') deps.images.require(change.image);
        const { image, ...config } = await configOf(sessionId, trx);
        const chosen = change.image === undefined ? image : (change.image ?? undefined);
        const next: SessionConfig = {
          ...config,
          ...(change.env !== undefined && { env: change.env }),
          ...(chosen !== undefined && { image: chosen }),
        };
        const { userId } = request.actor;
        const details = {
          ...(change.env !== undefined && { env: Object.keys(change.env) }),
          ...(change.image !== undefined && { image: change.image }),
        };
        const told = Object.keys(details).length === 0 ? {} : { details };
        await audit.record(trx, { userId, sessionId, action: 'sessions.patch', ip: request.ip, ...told });
        await store.changeConfig(trx, sessionId, next);
        await events.record(trx, sessionId, renamed(state, request, change.name));
        return shown(sessionId, trx);
      });
    },
  };
};

const renamed = (state: SessionState, { actor }: Request, name: string | undefined): ServerEvent[] =>
  name === undefined || name === state.name
    ? []
    : [{ type: 'session.renamed', by: { userId: actor.userId, name: actor.name }, name }];

const requireQuiet = (state: SessionState): void => {
  if (state.wanted !== 'running')
    throw new AppError('session_not_running', {
      message: 'This session is not running. Start it, then run its set-up script.',
    });
  if (isSettingUp(state))
    throw new AppError('conflict', { message: 'The set-up script waits or runs already. Wait for its end.' });
};

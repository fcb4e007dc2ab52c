// Projects: made, changed, archived, and who is in one. What its people may do in its sessions is the policy's matter.

import { AppError, type Project, type ProjectMember, type ProjectRole } from '@remote-claude/contract';

import type { Bus } from '../../platform/bus.js';
import type { Clock } from '../../platform/clock.js';
import type { Database, Trx } from '../../platform/database/index.js';
import type { Actor } from '../../platform/http/index.js';
import type { Limiter } from '../../platform/limiter.js';
import { mayProject } from '../access/index.js';
import type { Audit } from '../audit/index.js';
import { sessionChannel } from '../events/index.js';
import { createCircle, maxPeople, membersChannel, type Request as MemberRequest } from '../members/index.js';
import type { ProjectChange, ProjectsStore } from './store.js';

export interface ProjectsDeps {
  database: Database;
  store: ProjectsStore;
  audit: Audit;
  bus: Bus;
  clock: Clock;
  /** Shared with the sharing of sessions: of refused addresses, by person. */
  guesses: Limiter;
  /** Throws where this model may not be used here. */
  requireModel(model: string): void;
  /** Says in the transaction that sessions of this person have another owner. */
  onPassedOn(trx: Trx, userId: string): Promise<void>;
}

interface Request extends MemberRequest {
  /** A project is made under it: asked again, that one is the answer. */
  operationId: string;
}

/** More of one person would be a site. */
const maxMade = 200;
const personalWords =
  'This is a personal project, which is shared with nobody. Make another one for what you do with others.';

const ownersOnly = 'Only an owner of the project may do this. Ask one of them.';

const requireNoneRuns = (sessions: readonly { wanted: string }[]): void => {
  const running = sessions.filter(({ wanted }) => wanted === 'running').length;
  if (running === 0) return;
  const many = running === 1 ? 'session that is' : `${running} sessions that are`;
  throw new AppError('conflict', { message: `Stop the ${many} yours in this project first, then leave.` });
};

export const createProjects = (deps: ProjectsDeps) => {
  const { database, store, audit, bus, clock } = deps;

  const shown = async (userId: string, id: string, trx?: Trx): Promise<Project> => {
    const found = await store.find(userId, id, trx);
    if (found === null) throw new AppError('not_found');
    return found;
  };

  const mayManage = async (trx: Trx, id: string, { userId }: Actor): Promise<void> => {
    const found = await store.member(trx, id, userId);
    if (found === null) throw new AppError('not_found');
    if (!mayProject(found.role, 'project.manage')) throw new AppError('forbidden', { message: ownersOnly });
  };

  const requireShared = async (userId: string, id: string): Promise<void> => {
    if ((await shown(userId, id)).isPersonal) throw new AppError('conflict', { message: personalWords });
  };

  /** Who manages it when a request comes in may be out of it when it is done. */
  const lock = async (trx: Trx, id: string, actor: Actor): Promise<void> => {
    await store.lock(trx, id);
    await mayManage(trx, id, actor);
  };

  const circle = createCircle<ProjectRole>({
    database,
    store: { ...store, find: store.member },
    audit,
    guesses: deps.guesses,
    action: 'projects.members',
    entryOf: (project) => ({ sessionId: null, details: { project } }),
    words: {
      full: `A project has at most ${maxPeople} people.`,
      notIn: 'This person is not in the project. Add them by their e-mail address.',
    },
    mayAct: mayManage,
    async mayChange(trx, id, userId, role) {
      const isOwner = (await store.member(trx, id, userId))?.role === 'owner';
      if (isOwner && role !== 'owner' && (await store.owners(trx, id)) === 1)
        throw new AppError('conflict', { message: 'A project has an owner. Make somebody else one first.' });
    },
    // In all of its sessions.
    onChanged: (trx, _id, userId) => bus.publishIn(trx, membersChannel, { userId }),
  });

  const requireDefaults = ({ defaults }: Pick<ProjectChange, 'defaults'>): void => {
    if (typeof defaults?.model === 'string') deps.requireModel(defaults.model);
  };

  /** What somebody who goes has made in it is another's from then on: it is the project's work. */
  const takeOut = (request: MemberRequest, id: string, action: 'delete' | 'leave', userId: string): Promise<void> =>
    circle.takeOut(request, id, {
      action,
      userId,
      async also(trx) {
        await store.unshare(trx, id, userId);
        const isOwnWish = request.actor.userId === userId;
        const heir = isOwnWish ? await store.heirOf(trx, id, userId) : request.actor.userId;
        if (heir === null) return {};
        const passed = await store.passOn(trx, id, userId, heir);
        // What runs costs its owner, and an heir was not asked.
        if (isOwnWish) requireNoneRuns(passed);
        await deps.onPassedOn(trx, userId);
        for (const session of passed) await bus.publishIn(trx, sessionChannel, { id: session.id });
        return { heir, sessions: passed.map((session) => session.id) };
      },
    });

  return {
    list: async ({ actor }: Pick<Request, 'actor'>): Promise<{ items: Project[]; nextCursor: null }> => ({
      items: await store.list(actor.userId),
      nextCursor: null,
    }),

    get: ({ actor }: Pick<Request, 'actor'>, id: string): Promise<Project> => shown(actor.userId, id),

    async create(
      { actor, ip, operationId: id }: Request,
      wanted: { name: string; description?: string | undefined; defaults?: ProjectChange['defaults'] },
    ): Promise<Project> {
      const { name, description = '', defaults } = wanted;
      requireDefaults({ defaults });
      return database.transaction(async (trx) => {
        await store.lockMaker(trx, actor.userId);
        const made = await store.find(actor.userId, id, trx);
        if (made !== null) return made;
        if ((await store.countMadeBy(trx, actor.userId)) >= maxMade)
          throw new AppError('conflict', { message: `You have made ${maxMade} projects. Archive one first.` });
        await store.insert(trx, { id, userId: actor.userId, name, description });
        await store.update(trx, id, { defaults });
        const details = { project: id, name, ...(defaults === undefined ? {} : { defaults }) };
        await audit.record(trx, { userId: actor.userId, sessionId: null, action: 'projects.create', details, ip });
        return shown(actor.userId, id, trx);
      });
    },

    async patch({ actor, ip }: MemberRequest, id: string, change: ProjectChange): Promise<Project> {
      requireDefaults(change);
      return database.transaction(async (trx) => {
        await lock(trx, id, actor);
        await store.update(trx, id, change);
        const details = { project: id, ...change };
        await audit.record(trx, { userId: actor.userId, sessionId: null, action: 'projects.patch', details, ip });
        return shown(actor.userId, id, trx);
      });
    },

    /** Archived already: nothing more. */
    archive: ({ actor, ip }: MemberRequest, id: string): Promise<Project> =>
      database.transaction(async (trx) => {
        await lock(trx, id, actor);
        const { isPersonal, sessions, archivedAt } = await shown(actor.userId, id, trx);
        if (isPersonal)
          throw new AppError('conflict', { message: 'A personal project stays: new sessions are made in it.' });
        if (sessions > 0) {
          const many = sessions === 1 ? '1 session' : `${sessions} sessions`;
          throw new AppError('conflict', {
            message: `${many} of this project ${sessions === 1 ? 'is' : 'are'} not terminated. Terminate ${sessions === 1 ? 'it' : 'them'} first, then archive the project.`,
            sessions,
          });
        }
        if (archivedAt === null) await store.archive(trx, id, clock.now());
        const details = { project: id };
        await audit.record(trx, { userId: actor.userId, sessionId: null, action: 'projects.delete', details, ip });
        return shown(actor.userId, id, trx);
      }),

    /** Addresses are for its owners. */
    async members(
      { actor }: Pick<Request, 'actor'>,
      id: string,
    ): Promise<{ items: ProjectMember[]; nextCursor: null }> {
      const items = await store.members(id);
      const mayManage = items.some(({ userId, role }) => userId === actor.userId && mayProject(role, 'project.manage'));
      return { items: mayManage ? items : items.map((one) => ({ ...one, email: null })), nextCursor: null };
    },

    async addMember(
      request: MemberRequest,
      id: string,
      who: { email: string; role: ProjectRole },
    ): Promise<ProjectMember> {
      await requireShared(request.actor.userId, id);
      return circle.add(request, id, who);
    },

    putMember: circle.put,

    removeMember: (request: MemberRequest, { id, userId }: { id: string; userId: string }): Promise<void> =>
      takeOut(request, id, 'delete', userId),

    leave: (request: MemberRequest, id: string): Promise<void> => takeOut(request, id, 'leave', request.actor.userId),
  };
};
export type Projects = ReturnType<typeof createProjects>;

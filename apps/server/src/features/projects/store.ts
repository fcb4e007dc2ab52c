// SQL of projects and of who is in them.

import {
  projectDefaults,
  type Project,
  type ProjectDefaultsChange,
  type ProjectId,
  type ProjectMember,
  type ProjectRole,
  type UserId,
} from '@remote-claude/contract';
import { sql } from 'kysely';

import { json, type Database, type Executor, type Trx } from '../../platform/database/index.js';

interface MemberRow {
  id: string;
  name: string;
  email: string;
  role: ProjectRole;
  added_at: Date;
}

const toMember = ({ id, name, email, role, added_at: at }: MemberRow): ProjectMember => ({
  userId: id as UserId,
  name,
  email,
  role,
  addedAt: at.toISOString(),
});

export interface ProjectChange {
  name?: string | undefined;
  description?: string | undefined;
  defaults?: ProjectDefaultsChange | undefined;
}

/** A person is in no more than others bring them into. */
const maxListed = 1_000;

export const createProjectsStore = ({ db }: Database) => {
  /** As the person sees them who is in them. */
  const shown = (executor: Executor, userId: string) =>
    executor
      .selectFrom('projects')
      .innerJoin('project_members as mine', (join) =>
        join.onRef('mine.project_id', '=', 'projects.id').on('mine.user_id', '=', userId),
      )
      .select((eb) => [
        'projects.id',
        'projects.name',
        'projects.description',
        'projects.personal',
        'projects.defaults',
        'projects.created_at',
        'projects.archived_at',
        'mine.role',
        eb
          .selectFrom('project_members')
          .select((count) => count.fn.countAll<number>().as('count'))
          .whereRef('project_members.project_id', '=', 'projects.id')
          .as('people'),
        eb
          .selectFrom('sessions')
          .select((count) => count.fn.countAll<number>().as('count'))
          .whereRef('sessions.project_id', '=', 'projects.id')
          .where('sessions.wanted', '!=', 'terminated')
          .as('sessions'),
      ]);
  type Row = Awaited<ReturnType<ReturnType<typeof shown>['executeTakeFirstOrThrow']>>;

  const toProject = (row: Row): Project => ({
    id: row.id as ProjectId,
    name: row.name,
    description: row.description,
    isPersonal: row.personal,
    role: row.role,
    // What a newer version keeps there is not ours to judge.
    defaults: projectDefaults.safeParse(row.defaults).data ?? {},
    people: row.people ?? 0,
    sessions: row.sessions ?? 0,
    createdAt: row.created_at.toISOString(),
    archivedAt: row.archived_at?.toISOString() ?? null,
  });

  const membersOf = (executor: Executor, projectId: string) =>
    executor
      .selectFrom('project_members')
      .innerJoin('users', 'users.id', 'project_members.user_id')
      .select(['users.id', 'users.name', 'users.email', 'project_members.role', 'project_members.added_at'])
      .where('project_members.project_id', '=', projectId);

  const countOf = async (trx: Trx, projectId: string, role: ProjectRole | null): Promise<number> => {
    let query = trx
      .selectFrom('project_members')
      .select((eb) => eb.fn.countAll<number>().as('count'))
      .where('project_id', '=', projectId);
    if (role !== null) query = query.where('role', '=', role);
    return (await query.executeTakeFirstOrThrow()).count;
  };

  return {
    async find(userId: string, id: string, executor: Executor = db): Promise<Project | null> {
      const row = await shown(executor, userId).where('projects.id', '=', id).executeTakeFirst();
      return row === undefined ? null : toProject(row);
    },

    /** Their own first, then by name; no archived ones. */
    async list(userId: string): Promise<Project[]> {
      const rows = await shown(db, userId)
        .where('projects.archived_at', 'is', null)
        .orderBy('projects.personal', 'desc')
        .orderBy(sql`lower(projects.name)`)
        .orderBy('projects.id')
        .limit(maxListed)
        .execute();
      return rows.map(toProject);
    },

    async personalOf(userId: string, executor: Executor = db): Promise<string> {
      const { id } = await executor
        .selectFrom('projects')
        .select('id')
        .where('user_id', '=', userId)
        .where('personal', '=', true)
        .executeTakeFirstOrThrow();
      return id;
    },

    async ofSession(sessionId: string, executor: Executor): Promise<string | null> {
      const row = await executor
        .selectFrom('sessions')
        .select('project_id')
        .where('id', '=', sessionId)
        .executeTakeFirst();
      return row?.project_id ?? null;
    },

    /** Only one transaction at a time counts and adds a person's projects. */
    async lockMaker(trx: Trx, userId: string): Promise<void> {
      await trx.selectFrom('users').select('id').where('id', '=', userId).forNoKeyUpdate().execute();
    },

    async countMadeBy(trx: Trx, userId: string): Promise<number> {
      const { count } = await trx
        .selectFrom('projects')
        .select((eb) => eb.fn.countAll<number>().as('count'))
        .where('user_id', '=', userId)
        .where('archived_at', 'is', null)
        .executeTakeFirstOrThrow();
      return count;
    },

    async insert(trx: Trx, made: { id: string; userId: string; name: string; description: string }): Promise<void> {
      const { id, userId, name, description } = made;
      await trx.insertInto('projects').values({ id, user_id: userId, name, description }).execute();
      await trx.insertInto('project_members').values({ project_id: id, user_id: userId, role: 'owner' }).execute();
    },

    /** Of the defaults only those that are named; a null takes one away. */
    async update(trx: Trx, id: string, { defaults, name, description }: ProjectChange): Promise<void> {
      const words = { ...(name === undefined ? {} : { name }), ...(description === undefined ? {} : { description }) };
      if (Object.keys(words).length > 0) await trx.updateTable('projects').set(words).where('id', '=', id).execute();
      if (defaults === undefined) return;
      await sql`
        update projects set defaults = jsonb_strip_nulls(defaults || ${json(defaults)}::jsonb) where id = ${id}
      `.execute(trx);
    },

    async archive(trx: Trx, id: string, at: Date): Promise<void> {
      await trx.updateTable('projects').set({ archived_at: at }).where('id', '=', id).execute();
    },

    /** Held so that nobody is brought in or out meanwhile, and no session is made in it. */
    async lock(trx: Trx, id: string): Promise<void> {
      await trx.selectFrom('projects').select('id').where('id', '=', id).forNoKeyUpdate().execute();
    },

    /** Held so that it is not archived meanwhile, nor who makes a session in it taken out. */
    async hold(trx: Trx, id: string): Promise<void> {
      await trx.selectFrom('projects').select('id').where('id', '=', id).forShare().execute();
    },

    /** In the order of joining. */
    async members(id: string): Promise<ProjectMember[]> {
      const rows = await membersOf(db, id).orderBy('added_at').orderBy('users.id').execute();
      return rows.map(toMember);
    },

    /** Who has been its owner longest, besides this person. */
    async heirOf(trx: Trx, id: string, userId: string): Promise<string | null> {
      const row = await membersOf(trx, id)
        .where('project_members.role', '=', 'owner')
        .where('users.id', '!=', userId)
        .orderBy('added_at')
        .orderBy('users.id')
        .executeTakeFirst();
      return row?.id ?? null;
    },

    /** Sessions of the project that are this person's become another's. */
    passOn: (trx: Trx, id: string, from: string, to: string) =>
      trx
        .updateTable('sessions')
        .set({ user_id: to })
        .where('project_id', '=', id)
        .where('user_id', '=', from)
        .returning(['id', 'wanted'])
        .execute(),

    /** What is shared with this person in the project's sessions is not any more. */
    async unshare(trx: Trx, id: string, userId: string): Promise<void> {
      await trx
        .deleteFrom('session_members')
        .where('user_id', '=', userId)
        .where('session_id', 'in', (eb) => eb.selectFrom('sessions').select('id').where('project_id', '=', id))
        .execute();
    },

    count: (trx: Trx, id: string): Promise<number> => countOf(trx, id, null),
    owners: (trx: Trx, id: string): Promise<number> => countOf(trx, id, 'owner'),

    async member(trx: Trx, id: string, userId: string): Promise<ProjectMember | null> {
      const row = await membersOf(trx, id).where('users.id', '=', userId).executeTakeFirst();
      return row === undefined ? null : toMember(row);
    },

    async put(trx: Trx, id: string, userId: string, role: ProjectRole): Promise<void> {
      await trx
        .insertInto('project_members')
        .values({ project_id: id, user_id: userId, role })
        .onConflict((conflict) => conflict.columns(['project_id', 'user_id']).doUpdateSet({ role }))
        .execute();
    },

    async remove(trx: Trx, id: string, userId: string): Promise<void> {
      await trx.deleteFrom('project_members').where('project_id', '=', id).where('user_id', '=', userId).execute();
    },
  };
};
export type ProjectsStore = ReturnType<typeof createProjectsStore>;

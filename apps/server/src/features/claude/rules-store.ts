// SQL of what people always allow, in their own sessions and in those of a project.

import {
  approvalRule,
  wordsOfRule,
  type ApprovalRule,
  type ProjectId,
  type ProjectRole,
  type RuleId,
  type StoredRule,
  type UserId,
} from '@remote-claude/contract';
import { sql } from 'kysely';

import { json, type Database, type Executor, type Trx } from '../../platform/database/index.js';

interface Row {
  id: string;
  rule: unknown;
  created_at: Date;
  user_id: string;
  user_name: string;
  project_id: string | null;
  project_name: string | null;
}

const toRules = (rows: readonly Row[]): StoredRule[] =>
  rows.flatMap((row) => {
    const rule = approvalRule.safeParse(row.rule).data;
    const { project_id: projectId, project_name: projectName } = row;
    return rule === undefined
      ? []
      : [
          {
            id: row.id as RuleId,
            rule,
            words: wordsOfRule(rule),
            project: projectId === null ? null : { id: projectId as ProjectId, name: projectName ?? '' },
            by: { userId: row.user_id as UserId, name: row.user_name },
            createdAt: row.created_at.toISOString(),
          },
        ];
  });

/** Where a rule counts: in all sessions of a person, or of a project. */
export type RuleHome = { userId: string } | { projectId: string; userId: string };

export const createRulesStore = ({ db }: Database) => {
  const personal = (executor: Executor) =>
    executor
      .selectFrom('approval_rules')
      .innerJoin('users', 'users.id', 'approval_rules.user_id')
      .select((eb) => [
        'approval_rules.id',
        'approval_rules.rule',
        'approval_rules.created_at',
        'approval_rules.user_id',
        'users.name as user_name',
        eb.val(null).as('project_id'),
        eb.val(null).as('project_name'),
      ]);
  const ofProjects = (executor: Executor) =>
    executor
      .selectFrom('project_rules')
      .innerJoin('users', 'users.id', 'project_rules.user_id')
      .innerJoin('projects', 'projects.id', 'project_rules.project_id')
      .select([
        'project_rules.id',
        'project_rules.rule',
        'project_rules.created_at',
        'project_rules.user_id',
        'users.name as user_name',
        'project_rules.project_id',
        'projects.name as project_name',
      ]);

  return {
    /** Newest first. */
    async ofUser(userId: string): Promise<StoredRule[]> {
      const rows = await personal(db)
        .where('approval_rules.user_id', '=', userId)
        .orderBy('created_at', 'desc')
        .orderBy('approval_rules.id')
        .execute();
      return toRules(rows);
    },

    /** Of all projects in which the person has one of these roles and that are not archived, newest first. */
    async ofProjectsOf(userId: string, roles: readonly ProjectRole[]): Promise<StoredRule[]> {
      if (roles.length === 0) return [];
      const rows = await ofProjects(db)
        .innerJoin('project_members', 'project_members.project_id', 'projects.id')
        .where('project_members.user_id', '=', userId)
        .where('project_members.role', 'in', roles)
        .where('projects.archived_at', 'is', null)
        .orderBy('project_rules.created_at', 'desc')
        .orderBy('project_rules.id')
        .execute();
      return toRules(rows);
    },

    async ofProject(projectId: string): Promise<StoredRule[]> {
      const rows = await ofProjects(db)
        .where('project_rules.project_id', '=', projectId)
        .orderBy('project_rules.created_at', 'desc')
        .orderBy('project_rules.id')
        .execute();
      return toRules(rows);
    },

    /** A rule of a project, with what the person is in that; null where there is none. */
    async inProject(
      trx: Trx,
      id: string,
      userId: string,
    ): Promise<{ rule: StoredRule; role: ProjectRole | null } | null> {
      const row = await ofProjects(trx)
        .leftJoin('project_members', (join) =>
          join.onRef('project_members.project_id', '=', 'projects.id').on('project_members.user_id', '=', userId),
        )
        .select('project_members.role')
        .where('project_rules.id', '=', id)
        .executeTakeFirst();
      const [rule] = row === undefined ? [] : toRules([row]);
      return row === undefined || rule === undefined ? null : { rule, role: row.role };
    },

    /** What is allowed in a session, by its owner and in its project, and whose that is. */
    async ofSession(sessionId: string): Promise<{ of: readonly string[]; rules: ApprovalRule[] }> {
      const session = await db
        .selectFrom('sessions')
        .select(['user_id', 'project_id'])
        .where('id', '=', sessionId)
        .executeTakeFirst();
      if (session === undefined) return { of: [], rules: [] };
      const rows = await db
        .selectFrom('approval_rules')
        .select('rule')
        .where('user_id', '=', session.user_id)
        .unionAll(db.selectFrom('project_rules').select('rule').where('project_id', '=', session.project_id))
        .execute();
      const rules = rows.flatMap(({ rule }) => approvalRule.safeParse(rule).data ?? []);
      return { of: [session.user_id, session.project_id], rules };
    },

    async count(trx: Trx, home: RuleHome): Promise<number> {
      const { rows } = await sql<{ count: number }>`
        select count(*) as count from ${'projectId' in home ? sql.table('project_rules') : sql.table('approval_rules')}
        where ${'projectId' in home ? sql`project_id = ${home.projectId}` : sql`user_id = ${home.userId}`}
      `.execute(trx);
      return rows[0]?.count ?? 0;
    },

    /** The same rule twice is one. */
    async add(trx: Trx, home: RuleHome, rule: ApprovalRule): Promise<void> {
      const insert =
        'projectId' in home
          ? trx
              .insertInto('project_rules')
              .values({ project_id: home.projectId, user_id: home.userId, rule: json(rule) })
          : trx.insertInto('approval_rules').values({ user_id: home.userId, rule: json(rule) });
      await insert.onConflict((conflict) => conflict.doNothing()).execute();
    },

    async removeOwn(trx: Trx, userId: string, id: string): Promise<StoredRule | null> {
      const row = await personal(trx)
        .where('approval_rules.user_id', '=', userId)
        .where('approval_rules.id', '=', id)
        .executeTakeFirst();
      if (row === undefined) return null;
      const { numDeletedRows } = await trx.deleteFrom('approval_rules').where('id', '=', id).executeTakeFirstOrThrow();
      return numDeletedRows > 0n ? (toRules([row])[0] ?? null) : null;
    },

    async removeOfProject(trx: Trx, id: string): Promise<boolean> {
      const { numDeletedRows } = await trx.deleteFrom('project_rules').where('id', '=', id).executeTakeFirstOrThrow();
      return numDeletedRows > 0n;
    },
  };
};
export type RulesStore = ReturnType<typeof createRulesStore>;

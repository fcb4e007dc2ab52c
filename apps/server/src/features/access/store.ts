// SQL of the rules: what a person is to a session, and to a project.

import type { MemberRole, ProjectRole } from '@remote-claude/contract';

import type { Database, Executor } from '../../platform/database/index.js';

export const createAccessStore = ({ db }: Database) => ({
  /** null where there is no such session. */
  async find(
    sessionId: string,
    userId: string,
    executor: Executor = db,
  ): Promise<{ ownerId: string; role: MemberRole | null; projectRole: ProjectRole | null } | null> {
    const row = await executor
      .selectFrom('sessions')
      .leftJoin('session_members', (join) =>
        join.onRef('session_members.session_id', '=', 'sessions.id').on('session_members.user_id', '=', userId),
      )
      .leftJoin('project_members', (join) =>
        join.onRef('project_members.project_id', '=', 'sessions.project_id').on('project_members.user_id', '=', userId),
      )
      .select(['sessions.user_id', 'session_members.role', 'project_members.role as project_role'])
      .where('sessions.id', '=', sessionId)
      .executeTakeFirst();
    return row === undefined ? null : { ownerId: row.user_id, role: row.role, projectRole: row.project_role };
  },

  /** null for a stranger, and where there is no such project. */
  async projectRole(projectId: string, userId: string, executor: Executor = db): Promise<ProjectRole | null> {
    const row = await executor
      .selectFrom('project_members')
      .select('role')
      .where('project_id', '=', projectId)
      .where('user_id', '=', userId)
      .executeTakeFirst();
    return row?.role ?? null;
  },
});
export type AccessStore = ReturnType<typeof createAccessStore>;

// SQL of approvals, and of where in the log a message stands.

import type {
  Approval,
  ApprovalAnswer,
  ApprovalId,
  OpenApproval,
  ProjectRole,
  SessionId,
  UserId,
} from '@remote-claude/contract';

import { json, type Database, type Executor, type Trx } from '../../platform/database/index.js';
import type { PageEnd } from '../../platform/page-cursor.js';

interface Row {
  id: string;
  session_id: string;
  session_name: string;
  asked: unknown;
  asked_at: Date;
  status: 'open' | 'answered' | 'expired';
  decision: unknown;
  answered_by: string | null;
  answered_name: string | null;
  answered_at: Date | null;
}

const toApproval = (row: Row): Approval => ({
  ...(row.asked as OpenApproval),
  approvalId: row.id as ApprovalId,
  // When it was stored: an agent's own clock orders nothing.
  askedAt: row.asked_at.toISOString(),
  sessionId: row.session_id as SessionId,
  sessionName: row.session_name,
  status: row.status,
  answeredBy: row.answered_by === null ? null : { userId: row.answered_by as UserId, name: row.answered_name ?? '' },
  answeredAt: row.answered_at?.toISOString() ?? null,
  decision: (row.decision as ApprovalAnswer | null)?.decision ?? null,
});

/** What a person is to a session and its project. */
export interface SessionPart {
  isOwner: boolean;
  projectId: string;
  projectName: string;
  projectRole: ProjectRole | null;
}

export const createClaudeStore = ({ db }: Database) => {
  const shown = (executor: Executor) =>
    executor
      .selectFrom('approvals')
      .innerJoin('sessions', 'sessions.id', 'approvals.session_id')
      .leftJoin('users', 'users.id', 'approvals.answered_by')
      .select([
        'approvals.id',
        'approvals.session_id',
        'sessions.name as session_name',
        'approvals.asked',
        'approvals.asked_at',
        'approvals.status',
        'approvals.decision',
        'approvals.answered_by',
        'users.name as answered_name',
        'approvals.answered_at',
      ]);
  const open = (limit: number) =>
    shown(db)
      .where('sessions.wanted', '!=', 'terminated')
      .where('approvals.status', '=', 'open')
      .orderBy('approvals.asked_at')
      .orderBy('approvals.id')
      .limit(limit);

  return {
    async approval(executor: Executor, sessionId: string, id: string): Promise<Approval | null> {
      const row = await shown(executor)
        .where('approvals.session_id', '=', sessionId)
        .where('approvals.id', '=', id)
        .executeTakeFirst();
      return row === undefined ? null : toApproval(row);
    },

    async openOfSession(sessionId: string): Promise<Approval[]> {
      const rows = await shown(db)
        .where('approvals.session_id', '=', sessionId)
        .where('approvals.status', '=', 'open')
        .orderBy('approvals.asked_at')
        .orderBy('approvals.id')
        .execute();
      return rows.map(toApproval);
    },

    /** Over the sessions of a person that are not over, oldest first. */
    async openOwnedBy(userId: string, limit: number): Promise<Approval[]> {
      return (await open(limit).where('sessions.user_id', '=', userId).execute()).map(toApproval);
    },

    /** The same over all in which the person may answer. */
    async openFor(userId: string, after: PageEnd | null, limit: number): Promise<Approval[]> {
      let query = open(limit).where((eb) =>
        eb(
          'sessions.id',
          'in',
          eb
            .selectFrom('session_people')
            .select('session_id')
            .where('session_people.user_id', '=', userId)
            .where('role', 'in', ['owner', 'editor']),
        ),
      );
      if (after !== null) {
        query = query.where((eb) =>
          eb.or([
            eb('approvals.asked_at', '>', after.at),
            eb.and([eb('approvals.asked_at', '=', after.at), eb('approvals.id', '>', after.id)]),
          ]),
        );
      }
      return (await query.execute()).map(toApproval);
    },

    /** The same over the project of this session. */
    async openBeside(sessionId: string, limit: number): Promise<Approval[]> {
      const rows = await open(limit)
        .where('sessions.project_id', '=', (eb) =>
          eb.selectFrom('sessions as first').select('first.project_id').where('first.id', '=', sessionId),
        )
        .execute();
      return rows.map(toApproval);
    },

    async partOf(trx: Trx, sessionId: string, userId: string): Promise<SessionPart> {
      const row = await trx
        .selectFrom('sessions')
        .innerJoin('projects', 'projects.id', 'sessions.project_id')
        .leftJoin('project_members', (join) =>
          join
            .onRef('project_members.project_id', '=', 'sessions.project_id')
            .on('project_members.user_id', '=', userId),
        )
        .select(['sessions.user_id', 'sessions.project_id', 'projects.name', 'project_members.role'])
        .where('sessions.id', '=', sessionId)
        .executeTakeFirstOrThrow();
      return {
        isOwner: row.user_id === userId,
        projectId: row.project_id,
        projectName: row.name,
        projectRole: row.role,
      };
    },

    async ask(trx: Trx, sessionId: string, asked: OpenApproval, at: Date): Promise<void> {
      const again = { asked: json(asked), status: 'open' as const, asked_at: at };
      await trx
        .insertInto('approvals')
        .values({
          id: asked.approvalId,
          session_id: sessionId,
          kind: asked.kind,
          tool: asked.tool,
          input: json(asked.input),
          ...again,
        })
        .onConflict((conflict) => conflict.columns(['session_id', 'id']).doUpdateSet(again))
        .execute();
    },

    async answer(
      trx: Trx,
      sessionId: string,
      id: string,
      stored: { answer: ApprovalAnswer; by: string; at: Date },
    ): Promise<void> {
      await trx
        .updateTable('approvals')
        .set({ status: 'answered', decision: json(stored.answer), answered_by: stored.by, answered_at: stored.at })
        .where('session_id', '=', sessionId)
        .where('id', '=', id)
        .execute();
    },

    async expire(trx: Trx, sessionId: string, id: string): Promise<void> {
      await trx
        .updateTable('approvals')
        .set({ status: 'expired' })
        .where('session_id', '=', sessionId)
        .where('id', '=', id)
        .where('status', '=', 'open')
        .execute();
    },

    async status(trx: Trx, sessionId: string, id: string): Promise<'open' | 'answered' | 'expired' | null> {
      const row = await trx
        .selectFrom('approvals')
        .select('status')
        .where('session_id', '=', sessionId)
        .where('id', '=', id)
        .executeTakeFirst();
      return row?.status ?? null;
    },

    /** Number of the event in which a message was said. */
    async messageSeq(sessionId: string, messageId: string): Promise<number | null> {
      const row = await db
        .selectFrom('events')
        .select('seq')
        .where('session_id', '=', sessionId)
        .where('source', '=', `message:${messageId}`)
        .executeTakeFirst();
      return row?.seq ?? null;
    },
  };
};
export type ClaudeStore = ReturnType<typeof createClaudeStore>;

// What people always allow, in their own sessions or in a project's: added with an answer, listed, and revoked. It tells no
// agent; the session-manager does.

import {
  alwaysRuleOf,
  AppError,
  type ApprovalRule,
  type OpenApproval,
  type ProjectRole,
  type StoredRule,
} from '@remote-claude/contract';

import type { Bus } from '../../platform/bus.js';
import type { Database, Trx } from '../../platform/database/index.js';
import type { Actor } from '../../platform/http/index.js';
import { mayProject } from '../access/index.js';
import type { Audit } from '../audit/index.js';
import type { RuleHome, RulesStore } from './rules-store.js';

export interface RulesDeps {
  database: Database;
  store: RulesStore;
  audit: Audit;
  bus: Bus;
}

/** Bus channel that says that what is always allowed has changed: `{ id }`, of a person or of a project. */
export const rulesChannel = 'approval-rules';

/** Of one person, and of one project: an agent takes both. */
const maxRules = 500;
const projectRoles: readonly ProjectRole[] = ['owner', 'editor', 'viewer'];

export interface RulesPage {
  items: StoredRule[];
  nextCursor: null;
}

export const createApprovalRules = ({ database, store, audit, bus }: RulesDeps) => {
  const changed = (trx: Trx, id: string): Promise<void> => bus.publishIn(trx, rulesChannel, { id });

  /** One's own, or one of a project. */
  const removed = async (trx: Trx, userId: string, id: string): Promise<StoredRule | null> => {
    const own = await store.removeOwn(trx, userId, id);
    if (own !== null) return own;
    const found = await store.inProject(trx, id, userId);
    if (found === null || !mayProject(found.role, 'project.read')) return null;
    if (!mayProject(found.role, 'project.allow'))
      throw new AppError('forbidden', { message: 'What is allowed in a project is for its owners to say.' });
    return (await store.removeOfProject(trx, id)) ? found.rule : null;
  };

  return {
    /** The rule that a lasting scope adds; made of the question as it is stored, never of what the answer says. */
    async add(trx: Trx, home: RuleHome, asked: OpenApproval): Promise<ApprovalRule> {
      const rule = alwaysRuleOf(asked);
      if (rule === null) throw new AppError('conflict', { message: 'This can only be allowed once. Choose that.' });
      await store.add(trx, home, rule);
      if ((await store.count(trx, home)) > maxRules) {
        const where = 'projectId' in home ? 'Here are' : 'You always allow';
        throw new AppError('conflict', {
          message: `${where} ${maxRules} things ${'projectId' in home ? 'allowed' : 'already'}. Revoke some first.`,
        });
      }
      await changed(trx, 'projectId' in home ? home.projectId : home.userId);
      return rule;
    },

    /** One's own, and those of the projects in which one may revoke them. */
    async list({ actor: { userId } }: { actor: Actor }): Promise<RulesPage> {
      const roles = projectRoles.filter((role) => mayProject(role, 'project.allow'));
      const [own, projects] = await Promise.all([store.ofUser(userId), store.ofProjectsOf(userId, roles)]);
      const items = [...own, ...projects].toSorted((a, b) => b.createdAt.localeCompare(a.createdAt));
      return { items, nextCursor: null };
    },

    ofProject: async (projectId: string): Promise<RulesPage> => ({
      items: await store.ofProject(projectId),
      nextCursor: null,
    }),

    revoke: ({ actor, ip }: { actor: Actor; ip: string }, id: string): Promise<StoredRule> =>
      database.transaction(async (trx) => {
        const stored = await removed(trx, actor.userId, id);
        if (stored === null) throw new AppError('not_found');
        const { rule, project } = stored;
        await audit.record(trx, {
          userId: actor.userId,
          sessionId: null,
          action: 'approvals.rules.delete',
          details: { ruleId: id, rule, ...(project === null ? {} : { project: project.id }) },
          ip,
        });
        await changed(trx, project === null ? actor.userId : project.id);
        return stored;
      }),

    /** In a transaction: agents are told anew what this person always allows. */
    changed,

    ofSession: store.ofSession,
  };
};
export type ApprovalRules = ReturnType<typeof createApprovalRules>;

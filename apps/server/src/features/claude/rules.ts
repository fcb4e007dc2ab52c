// What people always allow: added with an answer, listed, and revoked. It tells no agent; the session-manager does.

import { alwaysRuleOf, AppError, type ApprovalRule, type OpenApproval, type StoredRule } from '@remote-claude/contract';

import type { Bus } from '../../platform/bus.js';
import type { Database, Trx } from '../../platform/database/index.js';
import type { Actor } from '../../platform/http/index.js';
import type { Audit } from '../audit/index.js';
import type { RulesStore } from './rules-store.js';

export interface RulesDeps {
  database: Database;
  store: RulesStore;
  audit: Audit;
  bus: Bus;
}

/** Bus channel that says that what a person always allows has changed: `{ id }`, the person's. */
export const rulesChannel = 'approval-rules';

const maxRules = 500;

export const createApprovalRules = ({ database, store, audit, bus }: RulesDeps) => ({
  /** The rule that `scope: always` adds; made of the question as it is stored, never of what the answer says. */
  async add(trx: Trx, userId: string, asked: OpenApproval): Promise<ApprovalRule> {
    const rule = alwaysRuleOf(asked);
    if (rule === null) throw new AppError('conflict', { message: 'This can only be allowed once. Choose that.' });
    if ((await store.count(trx, userId)) >= maxRules) {
      throw new AppError('conflict', { message: `You always allow ${maxRules} things already. Revoke some first.` });
    }
    await store.add(trx, userId, rule);
    await bus.publishIn(trx, rulesChannel, { id: userId });
    return rule;
  },

  list: async ({ actor }: { actor: Actor }): Promise<{ items: StoredRule[]; nextCursor: null }> => ({
    items: await store.ofUser(actor.userId),
    nextCursor: null,
  }),

  revoke: ({ actor, ip }: { actor: Actor; ip: string }, id: string): Promise<StoredRule> =>
    database.transaction(async (trx) => {
      const removed = await store.remove(trx, actor.userId, id);
      if (removed === null) throw new AppError('not_found');
      const details = { ruleId: id, rule: removed.rule };
      await audit.record(trx, {
        userId: actor.userId,
        sessionId: null,
        action: 'approvals.rules.delete',
        details,
        ip,
      });
      await bus.publishIn(trx, rulesChannel, { id: actor.userId });
      return removed;
    }),

  /** In a transaction: agents are told anew what this person always allows, or what is allowed in this project. */
  changed: (trx: Trx, id: string): Promise<void> => bus.publishIn(trx, rulesChannel, { id }),

  ofSession: store.ofSession,
});
export type ApprovalRules = ReturnType<typeof createApprovalRules>;

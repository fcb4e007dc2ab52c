// SQL of what people always allow.

import { approvalRule, wordsOfRule, type ApprovalRule, type RuleId, type StoredRule } from '@remote-claude/contract';

import { json, type Database, type Trx } from '../../platform/database/index.js';

interface Row {
  id: string;
  rule: unknown;
  created_at: Date;
}

const toRules = (rows: readonly Row[]): StoredRule[] =>
  rows.flatMap(({ id, rule: stored, created_at: at }) => {
    const rule = approvalRule.safeParse(stored).data;
    return rule === undefined
      ? []
      : [{ id: id as RuleId, rule, words: wordsOfRule(rule), createdAt: at.toISOString() }];
  });

export const createRulesStore = ({ db }: Database) => ({
  /** Newest first. */
  async ofUser(userId: string): Promise<StoredRule[]> {
    const rows = await db
      .selectFrom('approval_rules')
      .select(['id', 'rule', 'created_at'])
      .where('user_id', '=', userId)
      .orderBy('created_at', 'desc')
      .orderBy('id')
      .execute();
    return toRules(rows);
  },

  /** Of whom the session is, with what they always allow. */
  async ofSession(sessionId: string): Promise<{ ownerId: string | null; rules: ApprovalRule[] }> {
    const rows = await db
      .selectFrom('sessions')
      .leftJoin('approval_rules', 'approval_rules.user_id', 'sessions.user_id')
      .select(['sessions.user_id', 'approval_rules.rule'])
      .where('sessions.id', '=', sessionId)
      .execute();
    const rules = rows.flatMap(({ rule }) => approvalRule.safeParse(rule).data ?? []);
    return { ownerId: rows[0]?.user_id ?? null, rules };
  },

  async count(trx: Trx, userId: string): Promise<number> {
    const row = await trx
      .selectFrom('approval_rules')
      .select((eb) => eb.fn.countAll<string>().as('count'))
      .where('user_id', '=', userId)
      .executeTakeFirst();
    return Number(row?.count ?? 0);
  },

  /** The same rule twice is one. */
  async add(trx: Trx, userId: string, rule: ApprovalRule): Promise<void> {
    await trx
      .insertInto('approval_rules')
      .values({ user_id: userId, rule: json(rule) })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  },

  async remove(trx: Trx, userId: string, id: string): Promise<StoredRule | null> {
    const rows = await trx
      .deleteFrom('approval_rules')
      .where('id', '=', id)
      .where('user_id', '=', userId)
      .returning(['id', 'rule', 'created_at'])
      .execute();
    return toRules(rows)[0] ?? null;
  },
});
export type RulesStore = ReturnType<typeof createRulesStore>;

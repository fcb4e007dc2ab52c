// Statements that nobody in their transaction reads the effect of: put off to its end and sent there as one, so that each
// does not cost a round trip while rows are locked: it goes out with the commit. It knows no table.

import { sql, type Expression, type InsertQueryBuilder, type RawBuilder } from 'kysely';

import { sendAhead } from './ahead.js';
import type { Executor } from './executor.js';
import type { DatabaseSchema } from './schema.js';

interface Waiting {
  inserts: Insert[];
  /** Called for what they do, in this order. */
  calls: RawBuilder<unknown>[];
  /** What is done when all of it is committed. */
  after: (() => void)[];
}

type Insert = InsertQueryBuilder<DatabaseSchema, keyof DatabaseSchema, unknown>;

const waiting = new WeakMap<object, Waiting>();

/** A transaction whose late statements are kept until `runLate`. */
export const takeLate = (trx: Executor): void => void waiting.set(trx, { inserts: [], calls: [], after: [] });

/** Runs what waits, in no order among the inserts. Nothing can be put off afterwards. Gives what to do after the commit. */
export const runLate = async (trx: Executor): Promise<(() => void)[]> => {
  const { inserts, calls, after } = waiting.get(trx) ?? { inserts: [], calls: [], after: [] };
  waiting.delete(trx);
  if (inserts.length + calls.length === 0) return after;
  const parts = inserts.map(
    (insert, index) => sql`${sql.ref(`late_${index}`)} as (${insert as unknown as Expression<unknown>})`,
  );
  const head = parts.length === 0 ? sql`` : sql`with ${sql.join(parts)} `;
  const all = sql`${head}select ${calls.length === 0 ? sql`1` : sql.join(calls)}`;
  await sendAhead(trx, { compile: () => all.compile(trx) });
  return after;
};

/** Done when the transaction is committed, and never if it fails; outside of one at once. It must not throw. */
export const afterCommit = (executor: Executor, act: () => void): void => {
  const kept = waiting.get(executor);
  if (kept === undefined) act();
  else kept.after.push(act);
};

/** Outside of a transaction it runs at once. */
export const insertLate = async <T extends keyof DatabaseSchema>(
  executor: Executor,
  insert: InsertQueryBuilder<DatabaseSchema, T, unknown>,
): Promise<void> => {
  const kept = waiting.get(executor);
  if (kept === undefined) await insert.execute();
  else kept.inserts.push(insert as unknown as Insert);
};

/** A call of a function in SQL, for what it does. Outside of a transaction it runs at once. */
export const callLate = async (executor: Executor, call: RawBuilder<unknown>): Promise<void> => {
  const kept = waiting.get(executor);
  if (kept === undefined) await sql`select ${call}`.execute(executor);
  else kept.calls.push(call);
};

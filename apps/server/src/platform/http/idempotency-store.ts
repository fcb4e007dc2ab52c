// SQL of the keys that callers give their acts, and of the answers kept under them.

import type { Database } from '../database/index.js';
import { json } from '../database/json.js';

export interface NewClaim {
  userId: string;
  /** Of the caller's key and the route. */
  key: string;
  fingerprint: string;
  /** Kept until there is an answer. */
  operationId: string;
  at: Date;
  /** A row from before this time counts for nothing. */
  since: Date;
}

export interface Claim {
  fingerprint: string;
  /** This call made the row. */
  isNew: boolean;
  /** Under which the act is done, the first time and each time that it is done again. */
  operationId: string;
  /** What was answered, as JSON text; null while that is unknown. */
  answer: { status: number; text: string } | null;
}

export const createIdempotencyStore = ({ db }: Database) => ({
  /** Makes the row, or finds the one that is there. Of several callers at once one makes it. */
  async claim({ userId, key, fingerprint, operationId, at, since }: NewClaim): Promise<Claim> {
    for (;;) {
      const made = await db
        .insertInto('idempotency')
        .values({ user_id: userId, key, fingerprint, status: null, body: json({ operationId }), created_at: at })
        .onConflict((conflict) =>
          conflict
            .columns(['user_id', 'key'])
            .doUpdateSet((eb) => ({
              fingerprint: eb.ref('excluded.fingerprint'),
              status: null,
              body: eb.ref('excluded.body'),
              created_at: eb.ref('excluded.created_at'),
            }))
            .where('idempotency.created_at', '<', since),
        )
        .returning('key')
        .executeTakeFirst();
      if (made !== undefined) return { fingerprint, isNew: true, operationId, answer: null };
      const row = await db
        .selectFrom('idempotency')
        .select(['fingerprint', 'status', 'body'])
        .where('user_id', '=', userId)
        .where('key', '=', key)
        .executeTakeFirst();
      // Swept away in between.
      if (row === undefined) continue;
      const { operationId: first, text } = row.body as { operationId: string; text?: string };
      const answer = row.status === null || text === undefined ? null : { status: row.status, text };
      return { fingerprint: row.fingerprint, isNew: false, operationId: first, answer };
    }
  },

  /** `text` lies in a string of its own, for jsonb would change what is in it. */
  async keep(
    { userId, key }: Pick<NewClaim, 'userId' | 'key'>,
    operationId: string,
    answer: { status: number; text: string },
  ): Promise<void> {
    await db
      .updateTable('idempotency')
      .set({ status: answer.status, body: json({ operationId, text: answer.text }) })
      .where('user_id', '=', userId)
      .where('key', '=', key)
      .where('status', 'is', null)
      .execute();
  },

  async sweep(before: Date): Promise<void> {
    await db.deleteFrom('idempotency').where('created_at', '<', before).execute();
  },
});
export type IdempotencyStore = ReturnType<typeof createIdempotencyStore>;

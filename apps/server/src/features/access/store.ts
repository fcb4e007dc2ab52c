// SQL of the rules: who owns a session.

import type { Database } from '../../platform/database/index.js';

export const createAccessStore = ({ db }: Database) => ({
  /** null where there is no such session. */
  async ownerOf(sessionId: string): Promise<string | null> {
    const row = await db.selectFrom('sessions').select('user_id').where('id', '=', sessionId).executeTakeFirst();
    return row?.user_id ?? null;
  },
});
export type AccessStore = ReturnType<typeof createAccessStore>;

// SQL of people, as far as whoever shares something needs them.

import type { Trx } from '../../platform/database/index.js';

/** Of somebody who may sign in. */
export const userIdOf = async (trx: Trx, email: string): Promise<string | null> => {
  const row = await trx
    .selectFrom('users')
    .select('id')
    .where('email', '=', email)
    .where('disabled_at', 'is', null)
    .executeTakeFirst();
  return row?.id ?? null;
};

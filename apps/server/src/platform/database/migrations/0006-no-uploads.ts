// Uploads are the agent's own: what is under way lies on the session's disk, and no row knew of it.

import { sql, type Migration } from 'kysely';

export const noUploads: Migration = {
  async up(db) {
    await sql.raw('drop table uploads').execute(db);
  },
};

// When the disk of a terminated session was to go, and when it was gone.

import { sql, type Migration } from 'kysely';

export const diskRetention: Migration = {
  async up(db) {
    await sql
      .raw('alter table sessions add column disk_removal_at timestamptz, add column disk_removed_at timestamptz')
      .execute(db);
    await sql
      .raw(
        "create index sessions_disks on sessions (terminated_at) where wanted = 'terminated' and disk_removed_at is null",
      )
      .execute(db);
  },
};

// Who looks after a session: the managers that live, and the number of each session's lease.

import { sql, type Migration } from 'kysely';

export const leases: Migration = {
  async up(db) {
    await sql
      .raw(
        `create table managers (
          id uuid primary key,
          engine uuid not null,
          host text not null,
          started_at timestamptz not null default clock_timestamp(),
          expires_at timestamptz not null
        )`,
      )
      .execute(db);
    await sql
      .raw(
        `alter table sessions
          add column engine uuid,
          add column lease_owner uuid,
          add column lease_fence bigint not null default 0`,
      )
      .execute(db);
  },
};

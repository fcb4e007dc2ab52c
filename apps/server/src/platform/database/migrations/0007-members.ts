// With whom a session is shared.

import { sql, type Migration } from 'kysely';

export const members: Migration = {
  async up(db) {
    await sql
      .raw(
        `create table session_members (
          session_id uuid not null references sessions (id),
          user_id uuid not null references users (id),
          role text not null check (role in ('editor', 'viewer')),
          added_at timestamptz not null default now(),
          primary key (session_id, user_id)
        )`,
      )
      .execute(db);
    await sql.raw('create index session_members_of_user on session_members (user_id)').execute(db);
  },
};

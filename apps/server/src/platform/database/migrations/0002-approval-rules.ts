// What a person always allows in all of their sessions.

import { sql, type Migration } from 'kysely';

export const approvalRules: Migration = {
  async up(db) {
    await sql
      .raw(
        `create table approval_rules (
          id uuid primary key default gen_random_uuid(),
          user_id uuid not null references users (id),
          rule jsonb not null,
          created_at timestamptz not null default now()
        )`,
      )
      .execute(db);
    await sql.raw('create unique index approval_rules_once on approval_rules (user_id, md5(rule::text))').execute(db);
  },
};

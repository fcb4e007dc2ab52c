// The line of sessions that wait for a place: since when each is wanted, and what its engine said of its room.

import { sql, type Migration } from 'kysely';

export const line: Migration = {
  async up(db) {
    for (const statement of statements) await sql.raw(statement).execute(db);
  },
};

const statements = [
  // The version before knows no such column, and what it makes stands in line by its creation.
  'alter table sessions add column wanted_at timestamptz not null default clock_timestamp()',
  'update sessions set wanted_at = created_at',
  'create index sessions_places on sessions (engine) where place_id is not null',
  "create index sessions_line on sessions (engine, wanted_at, id) where wanted = 'running' and place_id is null",
  `create table engines (
    id uuid primary key,
    refused_places integer,
    refused_said text,
    probe_at timestamptz
  )`,
];

// Whether a session's disk was made: one that was is never made anew in silence.

import { sql, type Migration } from 'kysely';

export const disks: Migration = {
  async up(db) {
    for (const statement of statements) await sql.raw(statement).execute(db);
  },
};

const statements = [
  'alter table sessions add column disk_made_at timestamptz',
  // Whoever was ever seen to run had one; the version before has written nothing else about it.
  `update sessions set disk_made_at = created_at where disk_removed_at is null and (place_handle is not null or exists (
    select 1 from events where session_id = sessions.id
      and event ->> 'type' = 'place.changed' and event ->> 'status' = 'running'))`,
];

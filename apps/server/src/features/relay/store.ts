// SQL of doors: where a session's agent is reached.

import type { PlaceAddresses } from '@remote-claude/compute';
import { sql } from 'kysely';

import type { Database } from '../../platform/database/index.js';

export interface StoredDoor {
  wanted: 'running' | 'stopped' | 'terminated';
  placeId: string | null;
  doors: PlaceAddresses | null;
  /** Its agent was reached before, and has been silent for long. */
  silent: boolean;
}

export const createDoorStore = ({ db }: Database) => ({
  async find(sessionId: string): Promise<StoredDoor | null> {
    const row = await db
      .selectFrom('sessions')
      .select(['wanted', 'place_id', 'place_doors'])
      .select(sql<boolean>`coalesce(state -> 'place' ->> 'status' = 'unreachable', false)`.as('silent'))
      .where('id', '=', sessionId)
      .executeTakeFirst();
    return row === undefined
      ? null
      : {
          wanted: row.wanted,
          placeId: row.place_id,
          doors: row.place_doors as PlaceAddresses | null,
          silent: row.silent,
        };
  },
});
export type DoorStore = ReturnType<typeof createDoorStore>;

// SQL of doors: where a session's agent is reached.

import type { PlaceAddresses } from '@remote-claude/compute';

import type { Database } from '../../platform/database/index.js';

export interface StoredDoor {
  wanted: 'running' | 'stopped' | 'terminated';
  placeId: string | null;
  doors: PlaceAddresses | null;
}

export const createDoorStore = ({ db }: Database) => ({
  async find(sessionId: string): Promise<StoredDoor | null> {
    const row = await db
      .selectFrom('sessions')
      .select(['wanted', 'place_id', 'place_doors'])
      .where('id', '=', sessionId)
      .executeTakeFirst();
    return row === undefined
      ? null
      : { wanted: row.wanted, placeId: row.place_id, doors: row.place_doors as PlaceAddresses | null };
  },
});
export type DoorStore = ReturnType<typeof createDoorStore>;

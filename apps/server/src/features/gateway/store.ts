// SQL of the gateway: the upstream's settings and sealed key, who is charged, usage rows, open doors.

import type { Address, PlaceAddresses } from '@remote-claude/compute';

import type { Database, Executor } from '../../platform/database/index.js';
import { json } from '../../platform/database/json.js';
import type { Sealed } from '../../platform/secret-box.js';

export interface StoredUpstream {
  use: 'key' | 'demo' | 'none';
  baseUrl: string | null;
  model: string | null;
  keyHint: string | null;
}

const settingKey = 'model.upstream';
const secretName = 'model.api-key';

export interface UsageRow {
  sessionId: string;
  userId: string;
  turnId: string | null;
  model: string;
  inputTokens: number;
  outputTokens: number;
  cacheReadTokens: number;
  cacheWriteTokens: number;
  costUsd: number;
  requestId: string;
}

/** Where a session's place looks for the gateway. */
export interface StoredWay {
  sessionId: string;
  placeId: string;
  address: Address;
}

const waysOf = (db: Database['db']) =>
  db
    .selectFrom('sessions')
    .select(['id', 'place_id', 'place_doors'])
    .where('place_id', 'is not', null)
    .where('place_doors', 'is not', null);
const toWay = (row: { id: string; place_id: string | null; place_doors: unknown }): StoredWay => ({
  sessionId: row.id,
  placeId: row.place_id ?? '',
  address: (row.place_doors as PlaceAddresses).gateway,
});

export const createGatewayStore = ({ db }: Database) => ({
  async upstream(): Promise<{ settings: StoredUpstream | null; key: Sealed | null }> {
    const setting = await db.selectFrom('settings').select('value').where('key', '=', settingKey).executeTakeFirst();
    const secret = await db
      .selectFrom('secrets')
      .select(['ciphertext', 'key_id'])
      .where('name', '=', secretName)
      .executeTakeFirst();
    return {
      settings: (setting?.value as StoredUpstream | undefined) ?? null,
      key: secret === undefined ? null : { ciphertext: secret.ciphertext, keyId: secret.key_id },
    };
  },

  /** `key` null keeps no key. */
  async putUpstream(executor: Executor, settings: StoredUpstream, key: Sealed | null): Promise<void> {
    const value = json(settings);
    await executor
      .insertInto('settings')
      .values({ key: settingKey, value })
      .onConflict((conflict) => conflict.column('key').doUpdateSet({ value, updated_at: new Date() }))
      .execute();
    if (key === null) {
      await executor.deleteFrom('secrets').where('name', '=', secretName).execute();
      return;
    }
    const sealed = { ciphertext: key.ciphertext, key_id: key.keyId };
    await executor
      .insertInto('secrets')
      .values({ name: secretName, ...sealed })
      .onConflict((conflict) => conflict.column('name').doUpdateSet({ ...sealed, updated_at: new Date() }))
      .execute();
  },

  /** The place that runs now, its owner, and the turn and person that a call is charged to. */
  async charge(sessionId: string): Promise<{ placeId: string | null; userId: string; turnId: string | null } | null> {
    const row = await db
      .selectFrom('sessions')
      .select(['place_id', 'user_id', 'state'])
      .where('id', '=', sessionId)
      .executeTakeFirst();
    if (row === undefined) return null;
    const turn = (row.state as { turn?: { turnId?: string } | null }).turn;
    return { placeId: row.place_id, userId: row.user_id, turnId: turn?.turnId ?? null };
  },

  /** Where this session's place looks for the gateway; null where it has none. */
  async doorOf(sessionId: string): Promise<StoredWay | null> {
    const row = await waysOf(db).where('id', '=', sessionId).executeTakeFirst();
    return row === undefined ? null : toWay(row);
  },

  /** Of every place that there is. */
  doors: async (): Promise<StoredWay[]> => (await waysOf(db).execute()).map(toWay),

  async insertUsage(executor: Executor, row: UsageRow): Promise<void> {
    await executor
      .insertInto('usage')
      .values({
        session_id: row.sessionId,
        user_id: row.userId,
        turn_id: row.turnId,
        model: row.model,
        input_tokens: row.inputTokens,
        output_tokens: row.outputTokens,
        cache_read_tokens: row.cacheReadTokens,
        cache_write_tokens: row.cacheWriteTokens,
        cost_usd: row.costUsd,
        request_id: row.requestId,
      })
      .execute();
  },
});
export type GatewayStore = ReturnType<typeof createGatewayStore>;

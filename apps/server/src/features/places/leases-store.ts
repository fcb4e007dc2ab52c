// SQL of managers: who is alive, and what they may look after. All times are the database's own, so that no other clock matters.

import { sql } from 'kysely';

import type { LoneConnection } from '../../platform/database/index.js';

export interface Manager {
  id: string;
  engine: string;
  host: string;
}

/** Who asks, and what has the disks that they look after. */
export interface Claimant {
  owner: string;
  engine: string;
}

/** Ours, or nobody's who lives; on our engine, or on none yet. By the start of the statement, which nothing holds up. */
export const mayClaim = ({ owner, engine }: Claimant) =>
  sql<boolean>`(engine is null or engine = ${engine})
    and (lease_owner is null or lease_owner = ${owner} or not exists (
      select 1 from managers where managers.id = sessions.lease_owner and managers.expires_at > now()))`;

export const createLeasesStore = (line: LoneConnection) => ({
  /** A new manager; the named ones are known to be dead. */
  async enter({ id, engine, host }: Manager, leaseMs: number, dead: readonly string[]): Promise<void> {
    await line.query(
      `with gone as (delete from managers where id = any($5::uuid[]))
       insert into managers (id, engine, host, expires_at)
       values ($1, $2, $3, clock_timestamp() + $4 * interval '1 millisecond')`,
      [id, engine, host, leaseMs, dead],
    );
  },

  /** One that has expired does not come back: another may have taken what was its. `gone`: others whose time is over. */
  async renew(id: string, leaseMs: number): Promise<{ isKept: boolean; gone: number }> {
    const [row] = await line.query<{ kept: number; gone: number }>(
      `with gone as (delete from managers where id <> $1 and expires_at <= clock_timestamp() returning 1),
            kept as (update managers set expires_at = clock_timestamp() + $2 * interval '1 millisecond'
                      where id = $1 and expires_at > clock_timestamp() returning 1)
       select (select count(*)::int from kept) as kept, (select count(*)::int from gone) as gone`,
      [id, leaseMs],
    );
    return { isKept: row?.kept === 1, gone: row?.gone ?? 0 };
  },

  async leave(id: string): Promise<void> {
    await line.query('delete from managers where id = $1', [id]);
  },

  close: line.close,
});
export type LeasesStore = ReturnType<typeof createLeasesStore>;

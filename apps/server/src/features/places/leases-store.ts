// SQL of managers: who is alive. All times are the database's own, so that no other clock matters.

import type { LoneConnection } from '../../platform/database/index.js';

export interface Manager {
  id: string;
  engine: string;
  host: string;
}

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

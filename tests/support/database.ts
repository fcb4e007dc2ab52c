// The product's own database seen from outside: rows that no answer shows. It only reads, but for what a test makes old.

import pg from 'pg';

import type { Product } from './product.js';

export interface ProductDatabase {
  query<Row extends Record<string, unknown>>(sql: string, values?: readonly unknown[]): Promise<Row[]>;
  /** The number of the newest audit row; 0 for none. */
  lastAudit(): Promise<number>;
  /** Every row of every table as text, with the table's name before it. */
  dump(): Promise<string>;
  close(): Promise<void>;
}

export const openDatabase = async (product: Product): Promise<ProductDatabase> => {
  const client = new pg.Client({ connectionString: product.databaseUrl, ssl: false });
  // The server that runs the database may end before this does.
  client.on('error', () => {});
  await client.connect();
  const query = async <Row>(sql: string, values: readonly unknown[] = []): Promise<Row[]> =>
    (await client.query(sql, [...values])).rows as Row[];

  return {
    query,
    lastAudit: async () =>
      (await query<{ last: number }>('select coalesce(max(id), 0)::int as last from audit_logs'))[0]?.last ?? 0,
    async dump() {
      const tables = await query<{ name: string }>(
        "select tablename as name from pg_tables where schemaname = 'public' order by 1",
      );
      const parts: string[] = [];
      for (const { name } of tables) {
        const rows = await query<{ row: string }>(`select t::text as row from "${name}" t`);
        parts.push(...rows.map(({ row }) => `${name}: ${row}`));
      }
      return parts.join('\n');
    },
    close: () => client.end(),
  };
};

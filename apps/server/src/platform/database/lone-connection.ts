// One connection beside the pool, for what must not wait behind other queries: opened when it is needed, given up when it
// is silent or lost. It knows no table.

import pg from 'pg';

import { connectionSettings, type DatabaseConnection } from './database.js';

export interface LoneConnection {
  /** One at a time. Rejects within the timeout; the next query then begins on a new connection. */
  query<Row extends object>(text: string, values: readonly unknown[]): Promise<Row[]>;
  close(): Promise<void>;
}

export const createLoneConnection = (connection: DatabaseConnection, timeoutMs: number): LoneConnection => {
  let client: pg.Client | null = null;
  let last: Promise<unknown> = Promise.resolve();

  /** Without a goodbye that could hang on a dead line. */
  const giveUp = (lost: pg.Client): void => {
    if (client === lost) client = null;
    (lost as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
  };
  const open = async (): Promise<pg.Client> => {
    if (client !== null) return client;
    const opened = new pg.Client({
      ...connectionSettings(connection),
      connectionTimeoutMillis: timeoutMs,
      query_timeout: timeoutMs,
    });
    opened.on('error', () => giveUp(opened));
    opened.on('end', () => giveUp(opened));
    await opened.connect();
    client = opened;
    return opened;
  };
  const ask = async <Row extends object>(text: string, values: readonly unknown[]): Promise<Row[]> => {
    const opened = await open();
    try {
      return (await opened.query<Row>(text, [...values])).rows;
    } catch (error) {
      giveUp(opened);
      throw error;
    }
  };

  return {
    query(text, values) {
      const asked = last.then(
        () => ask(text, values),
        () => ask(text, values),
      );
      last = asked.catch(() => {});
      return asked as Promise<never>;
    },
    async close() {
      await last;
      const open = client;
      client = null;
      await open?.end().catch(() => {});
    },
  };
};

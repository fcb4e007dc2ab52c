// What runs a query. It knows the tables and no connection.

import type { Kysely, Transaction } from 'kysely';
import type { DatabaseSchema } from './schema.js';

/** The database itself, or a transaction. */
export type Executor = Kysely<DatabaseSchema>;
export type Trx = Transaction<DatabaseSchema>;

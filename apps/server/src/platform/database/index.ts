// What the rest of the server may use of the database.

import type { Selectable } from 'kysely';
import type * as tables from './schema.js';

export { sendAhead } from './ahead.js';
export { createDatabase, type Database, type DatabaseConnection } from './database.js';
export type { Executor, Trx } from './executor.js';
export { isForeignKeyViolation, isRefusedForGood, isUnavailable, isUniqueViolation } from './errors.js';
export { json, storable } from './json.js';
export { afterCommit, insertLate } from './late.js';
export { createLoneConnection, type LoneConnection } from './lone-connection.js';
export { openInstallation } from './installation.js';

export type SessionRow = Selectable<tables.SessionsTable>;
export type TaskRow = Selectable<tables.TasksTable>;

// What the rest of the server may use of the database.

import type { Selectable } from 'kysely';
import type * as tables from './schema.js';

export { createDatabase, type Database, type DatabaseConnection, type Executor, type Trx } from './database.js';
export { isForeignKeyViolation, isUnavailable, isUniqueViolation } from './errors.js';
export { json } from './json.js';

export type UserRow = Selectable<tables.UsersTable>;
export type LoginRow = Selectable<tables.LoginsTable>;
export type TicketRow = Selectable<tables.TicketsTable>;
export type SessionRow = Selectable<tables.SessionsTable>;
export type EventRow = Selectable<tables.EventsTable>;
export type BlobRow = Selectable<tables.BlobsTable>;
export type CommandRow = Selectable<tables.CommandsTable>;
export type ApprovalRow = Selectable<tables.ApprovalsTable>;
export type TaskRow = Selectable<tables.TasksTable>;
export type UsageRow = Selectable<tables.UsageTable>;
export type AuditLogRow = Selectable<tables.AuditLogsTable>;
export type SettingRow = Selectable<tables.SettingsTable>;
export type SecretRow = Selectable<tables.SecretsTable>;
export type IdempotencyRow = Selectable<tables.IdempotencyTable>;
export type UploadRow = Selectable<tables.UploadsTable>;

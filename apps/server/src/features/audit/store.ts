// SQL of the audit log.

import type { Executor } from '../../platform/database/index.js';
import { json } from '../../platform/database/json.js';
import type { AuditEntry } from './service.js';

export const insertAudit = async (executor: Executor, entry: AuditEntry): Promise<void> => {
  await executor
    .insertInto('audit_logs')
    .values({
      user_id: entry.userId,
      session_id: entry.sessionId,
      action: entry.action,
      details: json(entry.details ?? {}),
      ip: entry.ip ?? null,
    })
    .execute();
};

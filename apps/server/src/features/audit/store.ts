// SQL of the audit log.

import type { Executor } from '../../platform/database/index.js';
import { insertLate } from '../../platform/database/late.js';
import { json } from '../../platform/database/json.js';

export interface AuditEntry {
  userId: string | null;
  sessionId: string | null;
  /** The `audit` of the route, or of the message. */
  action: string;
  /** What is needed to understand it; never a secret, a password or file content. */
  details?: Record<string, unknown>;
  ip?: string | null;
}

export const insertAudit = async (executor: Executor, entry: AuditEntry): Promise<void> => {
  const insert = executor.insertInto('audit_logs').values({
    user_id: entry.userId,
    session_id: entry.sessionId,
    action: entry.action,
    details: json(entry.details ?? {}),
    ip: entry.ip ?? null,
  });
  await insertLate(executor, insert);
};

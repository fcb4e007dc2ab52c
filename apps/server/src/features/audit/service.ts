// The audit log: who did what. A row stands in the transaction of its act, so no act is without one.

import type { Executor } from '../../platform/database/index.js';
import { insertAudit } from './store.js';

export interface AuditEntry {
  userId: string | null;
  sessionId: string | null;
  /** The `audit` of the route, or of the message. */
  action: string;
  /** What is needed to understand it; never a secret, a password or file content. */
  details?: Record<string, unknown>;
  ip?: string | null;
}

export interface Audit {
  /** Writes through the transaction of the act. For acts elsewhere (files, commands), before the act. */
  record(executor: Executor, entry: AuditEntry): Promise<void>;
}

export const createAudit = (): Audit => ({ record: insertAudit });

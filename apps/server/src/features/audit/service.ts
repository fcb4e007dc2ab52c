// The audit log: who did what. A row stands in the transaction of its act, so no act is without one.

import type { Executor } from '../../platform/database/index.js';
import { insertAudit, type AuditEntry } from './store.js';

export interface Audit {
  /** Writes through the transaction of the act. For acts elsewhere (files, commands), before the act. */
  record(executor: Executor, entry: AuditEntry): Promise<void>;
}

export const createAudit = (): Audit => ({ record: insertAudit });

// Approvals as rows: asked and expired by events of the agent. Answers are written where they are given.

import type { Projection } from '../events/index.js';
import type { ClaudeStore } from './store.js';

export const createApprovalProjection = (store: ClaudeStore): Projection => ({
  types: new Set(['approval.asked', 'approval.expired']),
  async refuses(trx, { sessionId, event }) {
    if (event.type !== 'approval.asked') return null;
    const status = await store.status(trx, sessionId, event.approval.approvalId);
    return status === 'answered' ? 'this approval was answered already' : null;
  },
  async apply(trx, { sessionId, event, at }) {
    if (event.type === 'approval.asked') await store.ask(trx, sessionId, event.approval, at);
    if (event.type === 'approval.expired') await store.expire(trx, sessionId, event.approvalId);
    return [];
  },
});

// A session's row as the API shows it. Pure.

import {
  isSettingUp,
  shownStatusOf,
  type ForkedFrom,
  type ProjectId,
  type Session,
  type SessionConfig,
  type SessionId,
  type UserId,
} from '@remote-claude/contract';

import type { ResourceRules } from './resources.js';
import type { ShownRow } from './store.js';

/** What a session shows of how this server is set up. */
export interface ShownSetup {
  isolation: Session['isolation'];
  /** How long the disk of a terminated session stays. */
  diskRetentionMs: number;
  resources: Pick<ResourceRules, 'of'>;
}

const settingUp = 'Running the set-up script';

const forkedFromOf = ({ sessionId, messageId, name }: ForkedFrom): ForkedFrom => ({ sessionId, messageId, name });

export const toSession = (row: ShownRow, { isolation, diskRetentionMs, resources }: ShownSetup): Session => {
  const { state } = row;
  const { reason, next } = state.place;
  const { env = {}, image = null } = (row.config ?? {}) as Pick<SessionConfig, 'env' | 'image'>;
  return {
    id: row.id as SessionId,
    userId: row.user_id as UserId,
    ownerName: row.owner_name,
    name: row.name,
    project: { id: row.project_id as ProjectId, name: row.project_name, isPersonal: row.project_personal },
    status: row.status,
    shown: shownStatusOf(state),
    wanted: row.wanted,
    reason: reason === null ? next : next === null ? reason : `${reason} ${next}`,
    step: state.place.step ?? (isSettingUp(state) ? settingUp : null),
    model: state.claude.model,
    permissionMode: state.claude.permissionMode,
    isolation,
    forkedFrom: state.fork === null ? null : forkedFromOf(state.fork),
    resources: resources.of(row.config),
    image,
    env: Object.keys(env),
    setup:
      state.setup === null
        ? null
        : { status: state.setup.status, exitCode: state.setup.exitCode, reason: state.setup.reason },
    openApprovals: state.approvals.length,
    costUsd: state.costUsd,
    head: row.head,
    createdAt: row.created_at.toISOString(),
    lastActivity: row.last_activity.toISOString(),
    terminatedAt: row.terminated_at?.toISOString() ?? null,
    diskUntil:
      row.terminated_at === null || row.disk_removed_at !== null
        ? null
        : new Date(row.terminated_at.getTime() + diskRetentionMs).toISOString(),
  };
};

// A session's row as the API shows it, and the cursor of its list. Pure.

import { AppError, shownStatusOf, type Session, type SessionId, type UserId } from '@remote-claude/contract';

import type { PageEnd, ShownRow } from './store.js';

/** What a session shows of how this server is set up. */
export interface ShownSetup {
  isolation: Session['isolation'];
  /** How long the disk of a terminated session stays. */
  diskRetentionMs: number;
}

export const toSession = (row: ShownRow, { isolation, diskRetentionMs }: ShownSetup): Session => {
  const { state } = row;
  const { reason, next } = state.place;
  return {
    id: row.id as SessionId,
    userId: row.user_id as UserId,
    ownerName: row.owner_name,
    name: row.name,
    status: row.status,
    shown: shownStatusOf(state),
    wanted: row.wanted,
    reason: reason === null ? next : next === null ? reason : `${reason} ${next}`,
    step: state.place.step,
    model: state.claude.model,
    permissionMode: state.claude.permissionMode,
    isolation,
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

export const encodeCursor = (row: ShownRow): string =>
  Buffer.from(`${row.last_activity.getTime()} ${row.id}`).toString('base64url');

export const decodeCursor = (cursor: string): PageEnd => {
  const [time, id] = Buffer.from(cursor, 'base64url').toString('utf8').split(' ');
  const lastActivity = new Date(Number(time));
  if (id === undefined || !/^[0-9a-f-]{36}$/.test(id) || time === '' || Number.isNaN(lastActivity.getTime())) {
    throw new AppError('validation_failed', { message: 'This cursor is not one of this list.', fields: ['cursor'] });
  }
  return { lastActivity, id };
};

// Every migration in order. A static list, so that a bundle holds them all.

import type { Migration } from 'kysely';
import { approvalRules } from './0002-approval-rules.js';
import { spine } from './0001-spine.js';
import { diskRetention } from './0003-disk-retention.js';
import { leases } from './0005-leases.js';
import { noUploads } from './0006-no-uploads.js';
import { members } from './0007-members.js';
import { line } from './0008-line.js';
import { projects } from './0009-projects.js';
import { disks } from './0010-disks.js';

/** Names sort in the order of running and are never changed; a migration that was released is never edited. */
export const migrations: Readonly<Record<string, Migration>> = {
  '0001-spine': spine,
  '0002-approval-rules': approvalRules,
  '0003-disk-retention': diskRetention,
  '0005-leases': leases,
  '0006-no-uploads': noUploads,
  '0007-members': members,
  '0008-line': line,
  '0009-projects': projects,
  '0010-disks': disks,
};

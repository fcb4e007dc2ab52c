/** Projects: what sessions belong to. Its people have in all of its sessions the role that they have in it. */
import { z } from 'zod';

import { projectId, timestamp, userId } from '../ids.js';
import { plainText } from './plain-text.js';
import { modelName, permissionMode } from './session.js';

/** A viewer reads along in its sessions; an editor works in them and makes more; an owner also says who is in it, and what Claude may. */
export const projectRole = z.enum(['owner', 'editor', 'viewer']);
export type ProjectRole = z.infer<typeof projectRole>;

export const projectName = plainText.trim().min(1).max(120);
export const projectDescription = plainText.trim().max(2_000);

/** What a session of it begins with where its maker chooses nothing. */
export const projectDefaults = z.object({
  model: modelName.optional(),
  permissionMode: permissionMode.exclude(['bypassPermissions']).optional(),
});
export type ProjectDefaults = z.infer<typeof projectDefaults>;

/** null takes one away, so that the site's is used; what is absent stays as it is. */
export const projectDefaultsChange = z.strictObject({
  model: modelName.nullable().optional(),
  permissionMode: projectDefaults.shape.permissionMode.unwrap().nullable().optional(),
});
export type ProjectDefaultsChange = z.infer<typeof projectDefaultsChange>;

export const project = z.object({
  id: projectId,
  name: z.string(),
  description: z.string(),
  /** A person's own, which is there from the beginning, is shared with nobody and is never archived. */
  isPersonal: z.boolean(),
  /** What whoever asks is in it. */
  role: projectRole,
  defaults: projectDefaults,
  /** How many are in it. */
  people: z.int().nonnegative(),
  /** How many of its sessions are not terminated. */
  sessions: z.int().nonnegative(),
  createdAt: timestamp,
  archivedAt: timestamp.nullable(),
});
export type Project = z.infer<typeof project>;

export const projectMember = z.object({
  userId,
  name: z.string(),
  /** For the project's owners alone. */
  email: z.string().nullable(),
  role: projectRole,
  addedAt: timestamp,
});
export type ProjectMember = z.infer<typeof projectMember>;

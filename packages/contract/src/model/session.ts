/** A session as the API shows it, and what one is made from. */
import { z } from 'zod';

import { commandId, projectId, sessionId, timestamp, userId } from '../ids.js';
import { plainText } from './plain-text.js';
import { imageName, sessionEnvironment, setupScript, setupState } from './setup.js';

export const permissionMode = z.enum(['default', 'acceptEdits', 'plan', 'auto', 'bypassPermissions']);
export type PermissionMode = z.infer<typeof permissionMode>;

export const effort = z.enum(['low', 'medium', 'high', 'max']);
export type Effort = z.infer<typeof effort>;

export const modelName = z
  .string()
  .trim()
  .min(1)
  .max(120)
  .regex(/^[\w.:@/[\]-]+$/, 'This is not a model name.');
export const sessionName = plainText.trim().min(1).max(120);

/** What a session's place may use at most; what is left out is the site's usual. Sizes are in 2^20 and 2^30 bytes. */
export const resourceRequest = z.strictObject({
  /** Cores; fractions are allowed. */
  cpus: z.number().min(0.1).max(1024).optional(),
  memoryMb: z.int().min(512).max(16_777_216).optional(),
  diskGb: z.int().min(1).max(1_048_576).optional(),
});
export type ResourceRequest = z.infer<typeof resourceRequest>;

/** What may be chosen when a session is made, and is stored with it. */
export const sessionConfig = z.strictObject({
  name: sessionName.optional(),
  /** Which it belongs to; its maker's own where absent. */
  project: projectId.optional(),
  model: modelName.optional(),
  permissionMode: permissionMode.exclude(['bypassPermissions']).optional(),
  resources: resourceRequest.optional(),
  /** What its place is made of; only with containers, and only what the site allows. */
  image: imageName.optional(),
  /** What every program in it finds in its environment. */
  env: sessionEnvironment.optional(),
  /** Run once on its disk, before the first turn. */
  setupScript: setupScript.optional(),
});
export type SessionConfig = z.infer<typeof sessionConfig>;

/** What its owner wants of a session. */
export const wantedState = z.enum(['running', 'stopped', 'terminated']);
export type WantedState = z.infer<typeof wantedState>;

/** What a session's place does, as the session-manager last saw it. */
export const placeStatus = z.enum([
  'none',
  'queued',
  'starting',
  'running',
  'unreachable',
  'failed',
  'stopping',
  'stopped',
]);
export type PlaceStatus = z.infer<typeof placeStatus>;

/** The word that is shown for a session, everywhere. */
export const shownStatus = z.enum([
  'starting',
  'queued',
  'working',
  'needs_input',
  'idle',
  'completed',
  'unreachable',
  'failed',
  'stopping',
  'stopped',
  'terminated',
]);
export type ShownStatus = z.infer<typeof shownStatus>;

/** The session that another was made from: just before a message of it, or (null) as it was then; and its name then. */
export const forkedFrom = z.object({ sessionId, messageId: commandId.nullable(), name: sessionName });
export type ForkedFrom = z.infer<typeof forkedFrom>;

/** The project of a session, as far as everybody in the session may know it. */
export const sessionProject = z.object({ id: projectId, name: z.string(), isPersonal: z.boolean() });

/** What a place may use at most. */
export const sessionResources = z.object({ cpus: z.number(), memoryMb: z.int() });

export const session = z.object({
  id: sessionId,
  userId,
  ownerName: z.string(),
  name: z.string(),
  project: sessionProject,
  /** The coarse state of the place. */
  status: z.enum(['starting', 'running', 'stopped', 'error']),
  /** The word that people see. */
  shown: shownStatus,
  wanted: wantedState,
  /** Why it is in this state, and what to do next; null where the word says it all. */
  reason: z.string().nullable(),
  /** The step of a start that is under way. */
  step: z.string().nullable(),
  model: z.string().nullable(),
  permissionMode,
  /** What keeps the session apart from the host: `none` must be shown. */
  isolation: z.enum(['bubblewrap', 'container', 'pod', 'none']),
  /** Null for one that began with nothing. */
  forkedFrom: forkedFrom.nullable(),
  /** Of its place, when it is started next. */
  resources: sessionResources,
  /** That was asked for; null for the site's own. */
  image: z.string().nullable(),
  /** Names of its own variables. */
  env: z.array(z.string()),
  /** How its set-up script stands; null where it has none. */
  setup: setupState.pick({ status: true, exitCode: true, reason: true }).nullable(),
  openApprovals: z.int().nonnegative(),
  costUsd: z.number().nonnegative(),
  head: z.int().nonnegative(),
  createdAt: timestamp,
  lastActivity: timestamp,
  terminatedAt: timestamp.nullable(),
  /** When the disk of a terminated session goes; null before its end, and once the disk is gone. */
  diskUntil: timestamp.nullable(),
});
export type Session = z.infer<typeof session>;

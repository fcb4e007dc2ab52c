/**
 * A checkpoint: the whole work tree as it was at a moment, kept in a store of its own beside it; and what a rewind to one
 * would change. It does not know how a tree is stored.
 */
import { z } from 'zod';

import { blobHash, checkpointId, commandId, timestamp, turnId } from '../ids.js';

/**
 * Folders that no checkpoint holds and no rewind touches, wherever they are: what a tool makes again from what is kept.
 * Beside these names, each folder that says of itself that it is a cache, by a file `CACHEDIR.TAG` in it (such as the
 * `target` of cargo).
 */
export const leftOutFolders = [
  'node_modules',
  'bower_components',
  '.pnpm-store',
  '.venv',
  'venv',
  '.tox',
  '__pycache__',
  '.pytest_cache',
  '.mypy_cache',
  '.gradle',
  '.terraform',
  '.next',
] as const;
export const leftOutTag = 'CACHEDIR.TAG';

export const checkpointReason = z.enum(['before-turn', 'after-turn', 'asked', 'before-rewind']);

/** Why something of the tree is not in a checkpoint; `changing` is in it, as it was read last. */
export const checkpointSkip = z.object({
  path: z.string().max(600),
  why: z.enum(['special', 'unreadable', 'too-large', 'no-room', 'too-deep', 'changing']),
});
export type CheckpointSkip = z.infer<typeof checkpointSkip>;

export const checkpoint = z.object({
  checkpointId,
  /** Of the whole tree: contents, names, modes, links. Equal trees have equal hashes. */
  tree: blobHash,
  reason: checkpointReason,
  turnId: turnId.nullable(),
  /** The messages that the turn works on. */
  messageIds: z.array(commandId).max(100),
  at: timestamp,
  files: z.int().nonnegative(),
  folders: z.int().nonnegative(),
  bytes: z.number().nonnegative(),
  skipped: z.object({ count: z.int().nonnegative(), items: z.array(checkpointSkip).max(20) }),
  /** Folders that the rule leaves out. */
  leftOut: z.int().nonnegative(),
});
export type Checkpoint = z.infer<typeof checkpoint>;

export const rewindWhat = z.enum(['chat', 'files', 'both']);
export type RewindWhat = z.infer<typeof rewindWhat>;

/** Where to: before a message, to a checkpoint (files alone), or to before a rewind, which undoes it. */
export const rewindTarget = z.union([
  z.strictObject({ messageId: commandId }),
  z.strictObject({ checkpointId }),
  z.strictObject({ rewindId: commandId }),
]);
export type RewindTarget = z.infer<typeof rewindTarget>;

/** What the rewind would do to a path: `added` comes back, `deleted` goes. */
export const rewindChange = z.object({
  path: z.string(),
  kind: z.enum(['file', 'folder', 'link']),
  change: z.enum(['added', 'modified', 'deleted', 'mode']),
  /** Bytes now and afterwards; null on the side where there is nothing. */
  sizeNow: z.number().nullable(),
  sizeThen: z.number().nullable(),
});
export type RewindChange = z.infer<typeof rewindChange>;

/** Files, links and folders, by what happens to them. */
export const rewindCounts = z.object({
  added: z.int().nonnegative(),
  modified: z.int().nonnegative(),
  deleted: z.int().nonnegative(),
});
export type RewindCounts = z.infer<typeof rewindCounts>;

export const rewindPreview = z.object({
  /** Null where the conversation can go there; else why not. */
  chatRefusal: z.string().nullable(),
  filesRefusal: z.string().nullable(),
  files: z
    .object({
      /** The trees that are compared: as it is now, as it would be. */
      from: blobHash,
      to: blobHash,
      takenAt: timestamp,
      counts: rewindCounts,
      /** The first of them, by path. */
      changes: z.array(rewindChange).max(1_000),
      skipped: checkpoint.shape.skipped,
    })
    .nullable(),
});
export type RewindPreview = z.infer<typeof rewindPreview>;

/** A text as it is and as it would be; null where there is none, or where it is no text or too large to be shown. */
export const rewindDiff = z.object({ now: z.string().nullable(), rewound: z.string().nullable(), shown: z.boolean() });
export type RewindDiff = z.infer<typeof rewindDiff>;

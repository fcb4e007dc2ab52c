/**
 * What a fork takes from the session that it comes from, as the agents tell it: where it begins, and what came of it.
 * It does not know how the bytes of files are framed; that is between the two agents.
 */
import { z } from 'zod';

import { blobHash, checkpointId, commandId, sessionId, turnId } from '../ids.js';
import { checkpoint } from '../model/checkpoint.js';

/** Just before a message; null for the session as it is now. `forkId` is the session that is made. */
export const forkRequest = z.strictObject({ forkId: sessionId, messageId: commandId.nullable() });
export type ForkRequest = z.infer<typeof forkRequest>;

/** Kept for the fork until it is let go: the files and where the conversation stands. The same request again has the same answer. */
export const forkPoint = z.object({
  checkpointId,
  tree: blobHash,
  /** The last turn that the agent ended in this life; null where it ended none, or where a message says the point. */
  turnId: turnId.nullable(),
});
export type ForkPoint = z.infer<typeof forkPoint>;

/** Answer of `agentPaths.forkPoints`: for whom something is kept, and for how long already. */
export const forkPoints = z.object({
  points: z.array(z.object({ forkId: sessionId, ageMs: z.number().nonnegative() })).max(1_000),
});

/** What the new session holds of the other's files. */
export const forkFilled = z.object({
  files: z.int().nonnegative(),
  folders: z.int().nonnegative(),
  bytes: z.number().nonnegative(),
  /** Dependency folders that are not copied, by the rule of checkpoints. */
  leftOut: z.int().nonnegative(),
  skipped: checkpoint.shape.skipped,
  /** The tree is the same in every name, mode and byte that the checkpoint holds. */
  isExact: z.boolean(),
});
export type ForkFilled = z.infer<typeof forkFilled>;

/** Answer of `agentPaths.forkState`; null while the files are not all there. */
export const forkState = z.object({ filled: forkFilled.nullable() });

/** Header of an export: about how many bytes it has. */
export const forkBytesHeader = 'fork-bytes';

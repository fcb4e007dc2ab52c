/**
 * The dev container that a repository brings: what it would do with a session, for people to read before they let it. It comes
 * from the work tree, so nothing of it happens by itself. It does not know how a place is made.
 */
import { z } from 'zod';

/** Where one may lie in a work tree; the first that is there counts. */
export const devContainerPaths = ['.devcontainer/devcontainer.json', '.devcontainer.json'] as const;

/** A field that does nothing here, or for which none of it can be used, and why. */
export const devContainerRemark = z.object({ name: z.string().max(200), why: z.string().max(500) });
export type DevContainerRemark = z.infer<typeof devContainerRemark>;

export const devContainer = z.object({
  path: z.string(),
  /** SHA-256 of the file: what was read is what is used. */
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  name: z.string().nullable(),
  /** What the place would be made of; null where that stays as it is. */
  image: z.string().nullable(),
  /** What would be run as the set-up script; null for none. */
  script: z.string().nullable(),
  /** Variables that it would add to the session's. */
  env: z.record(z.string(), z.string()),
  forwardPorts: z.array(z.int().min(1).max(65_535)),
  /** What of it does nothing here. */
  ignored: z.array(devContainerRemark),
  /** Why none of it can be used; empty where it can. */
  refused: z.array(devContainerRemark),
});
export type DevContainer = z.infer<typeof devContainer>;

/** The one that a session uses. */
export const usedDevContainer = devContainer.pick({ path: true, hash: true, forwardPorts: true });
export type UsedDevContainer = z.infer<typeof usedDevContainer>;

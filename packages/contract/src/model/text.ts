/** Text in an event, with a ceiling. It does not know where the whole is stored. */
import { z } from 'zod';

import { blobHash } from '../ids.js';

/** UTF-16 units of text that an event carries itself; an event's JSON stays below `maxEventBytes`. */
export const maxInlineText = 12_000;

/**
 * Text of any length: `text` is the whole, or its beginning where `bytes` is larger than what is inline.
 * `blob` names the whole where it was stored; without it the rest was cut and is gone.
 */
export const boundedText = z.object({
  text: z.string().max(maxInlineText),
  bytes: z.int().nonnegative(),
  blob: blobHash.optional(),
  cut: z.boolean().optional(),
});
export type BoundedText = z.infer<typeof boundedText>;

/** Where a tool's input was cut: the size of the whole as JSON, and the blob that holds it, if it could be kept. */
export const wholeInput = z.object({ bytes: z.int().nonnegative(), blob: blobHash.optional() });
export type WholeInput = z.infer<typeof wholeInput>;

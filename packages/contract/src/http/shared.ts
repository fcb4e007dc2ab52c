/** Pieces that several routes share: parameters, pages of a list. */
import { z } from 'zod';

import { sessionId } from '../ids.js';

export const sessionParams = z.object({ id: sessionId });

/** Pages of a list: `nextCursor` of one page is `cursor` of the next. */
export const pageQuery = z.object({
  cursor: z.string().max(400).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});

export const pageOf = <T extends z.ZodType>(item: T) =>
  z.object({ items: z.array(item), nextCursor: z.string().nullable() });

export const done = z.object({ ok: z.literal(true) });

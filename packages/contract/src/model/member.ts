/** People with whom a session itself is shared. Its owner is none of them, nor are those who are in it by its project. */
import { z } from 'zod';

import { timestamp, userId } from '../ids.js';

/** A viewer reads along; an editor works in it and answers for it, but neither shares, stops nor ends it. */
export const memberRole = z.enum(['editor', 'viewer']);
export type MemberRole = z.infer<typeof memberRole>;

export const member = z.object({
  userId,
  name: z.string(),
  /** For those who may share the session alone. */
  email: z.string().nullable(),
  role: memberRole,
  addedAt: timestamp,
});
export type Member = z.infer<typeof member>;

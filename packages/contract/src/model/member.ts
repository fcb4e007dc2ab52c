/** People with whom a session is shared. Its owner is none of them. */
import { z } from 'zod';

import { timestamp, userId } from '../ids.js';

/** A viewer reads along; an editor works in it and answers for it, but neither shares, stops nor ends it. */
export const memberRole = z.enum(['editor', 'viewer']);
export type MemberRole = z.infer<typeof memberRole>;

export const member = z.object({
  userId,
  name: z.string(),
  /** For the session’s owner alone, who gave it. */
  email: z.string().nullable(),
  role: memberRole,
  addedAt: timestamp,
});
export type Member = z.infer<typeof member>;

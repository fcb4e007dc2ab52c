/** A person as the API shows them. */
import { z } from 'zod';

import { timestamp, userId } from '../ids.js';
import { plainText } from './plain-text.js';

export const siteRole = z.enum(['admin', 'member']);
export type SiteRole = z.infer<typeof siteRole>;

export const email = z
  .string()
  .trim()
  .toLowerCase()
  .max(254)
  .pipe(z.email({ error: 'Enter an e-mail address such as ada@example.org.' }));
export const personName = plainText.trim().min(1).max(120);
/** NIST SP 800-63B: length counts, composition rules do not. */
export const password = z.string().min(12, 'Use at least 12 characters.').max(256);

export const user = z.object({
  id: userId,
  email: z.string(),
  name: z.string(),
  role: siteRole,
  disabled: z.boolean(),
  createdAt: timestamp,
  lastLogin: timestamp.nullable(),
});
export type User = z.infer<typeof user>;

/** Who did something, as written into events. */
export const author = z.object({ userId, name: z.string() });
export type Author = z.infer<typeof author>;

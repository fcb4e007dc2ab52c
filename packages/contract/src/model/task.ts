/** Something for Claude to do, with a state of its own. */
import { z } from 'zod';

import { sessionId, taskId, timestamp, userId } from '../ids.js';
import { plainText } from './plain-text.js';

export const taskStatus = z.enum(['queued', 'running', 'needs_input', 'done', 'failed', 'cancelled']);
export type TaskStatus = z.infer<typeof taskStatus>;

export const taskName = plainText.trim().min(1).max(200);
export const taskDescription = plainText.trim().max(100_000);

export const task = z.object({
  id: taskId,
  userId,
  sessionId,
  name: z.string(),
  description: z.string().nullable(),
  status: taskStatus,
  /** Claude's last words, or why it failed. */
  result: z.string().nullable(),
  createdAt: timestamp,
  completedAt: timestamp.nullable(),
});
export type Task = z.infer<typeof task>;

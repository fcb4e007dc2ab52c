/** Socket.IO: what concerns many pages. A hint that is faster than asking; it holds nothing of its own. */
import type { QueryClient } from '@tanstack/react-query';
import { session as sessionSchema } from '@remote-claude/contract';
import { io } from 'socket.io-client';

import { basePath } from './base-path';
import { putSession, sessionsKey } from './queries';

/** Returns how to stop. */
export const followSessions = (queries: QueryClient): (() => void) => {
  const socket = io({ path: `${basePath()}/socket.io`, transports: ['websocket', 'polling'], withCredentials: true });
  // What happened while it was away is asked for.
  socket.on('connect', () => void queries.invalidateQueries({ queryKey: sessionsKey }));
  socket.on('session', (payload: unknown) => {
    const parsed = sessionSchema.safeParse(payload);
    if (parsed.success) putSession(queries, parsed.data);
  });
  return () => void socket.disconnect();
};

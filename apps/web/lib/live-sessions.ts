/** Socket.IO: what concerns many pages. A hint that is faster than asking; it holds nothing of its own. */
import type { QueryClient } from '@tanstack/react-query';
import { session as sessionSchema } from '@remote-claude/contract';
import { io } from 'socket.io-client';

import { basePath } from './base-path';
import { putSession, sessionsKey } from './queries';
import { useSiteLink } from './site-link';
import { retryDelayMs } from './socket-machine';

/** Returns how to stop. */
export const followSessions = (queries: QueryClient): (() => void) => {
  const socket = io({
    path: `${basePath()}/socket.io`,
    transports: ['websocket', 'polling'],
    withCredentials: true,
    // The library does not say when it will try again; a person is told.
    reconnection: false,
  });
  let attempts = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const connect = (): void => {
    clearTimeout(timer);
    timer = undefined;
    useSiteLink.setState({ phase: 'connecting', retryAt: null });
    socket.connect();
  };
  const wait = (): void => {
    clearTimeout(timer);
    const delayMs = retryDelayMs(attempts, Math.random());
    attempts += 1;
    timer = setTimeout(connect, delayMs);
    useSiteLink.setState({ phase: 'waiting', retryAt: Date.now() + delayMs });
  };
  const wake = (): void => {
    if (timer !== undefined && document.visibilityState === 'visible') connect();
  };
  socket.on('connect', () => {
    attempts = 0;
    useSiteLink.setState({ phase: 'open', retryAt: null });
    // What happened while it was away is asked for.
    void queries.invalidateQueries({ queryKey: sessionsKey });
  });
  socket.on('connect_error', wait);
  socket.on('disconnect', wait);
  socket.on('session', (payload: unknown) => {
    const parsed = sessionSchema.safeParse(payload);
    if (parsed.success) putSession(queries, parsed.data);
  });
  useSiteLink.setState({ phase: 'connecting', retryAt: null, retryNow: connect });
  window.addEventListener('online', wake);
  document.addEventListener('visibilitychange', wake);
  return () => {
    window.removeEventListener('online', wake);
    document.removeEventListener('visibilitychange', wake);
    socket.off();
    socket.disconnect();
    clearTimeout(timer);
    useSiteLink.setState({ phase: 'none', retryAt: null });
  };
};

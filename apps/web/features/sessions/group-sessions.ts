/** Sessions in the order in which people look for them. Pure. */
import type { Session } from '@remote-claude/contract';

export interface SessionGroup {
  title: string;
  sessions: readonly Session[];
}

const attention = new Set<Session['shown']>(['needs_input', 'failed', 'unreachable']);
const active = new Set<Session['shown']>(['working', 'starting', 'queued', 'idle', 'completed']);

export const matches = (session: Session, search: string): boolean => {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const text = `${session.name} ${session.ownerName} ${session.shown}`.toLowerCase();
  return words.every((word) => text.includes(word));
};

export const groupSessions = (sessions: readonly Session[]): SessionGroup[] =>
  [
    { title: 'Needs you', sessions: sessions.filter(({ shown }) => attention.has(shown)) },
    { title: 'Running', sessions: sessions.filter(({ shown }) => active.has(shown)) },
    { title: 'Stopped', sessions: sessions.filter(({ shown }) => shown === 'stopped' || shown === 'stopping') },
    { title: 'Terminated', sessions: sessions.filter(({ shown }) => shown === 'terminated') },
  ].filter((group) => group.sessions.length > 0);

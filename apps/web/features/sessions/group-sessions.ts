/** Sessions in the order in which people look for them. Pure. */
import type { Session } from '@remote-claude/contract';

export interface SessionGroup {
  key: string;
  title: string;
  sessions: readonly Session[];
}

const attention = new Set<Session['shown']>(['needs_input', 'failed', 'unreachable']);
const active = new Set<Session['shown']>(['working', 'starting', 'queued', 'idle', 'completed']);

export const matches = (session: Session, search: string): boolean => {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const text = `${session.name} ${session.ownerName} ${session.project.name} ${session.shown}`.toLowerCase();
  return words.every((word) => text.includes(word));
};

export type Grouping = 'status' | 'project';
export const groupingChoices: readonly { value: Grouping; label: string }[] = [
  { value: 'status', label: 'By status' },
  { value: 'project', label: 'By project' },
];

const byStatus = (sessions: readonly Session[]): SessionGroup[] =>
  [
    { title: 'Needs you', sessions: sessions.filter(({ shown }) => attention.has(shown)) },
    { title: 'Running', sessions: sessions.filter(({ shown }) => active.has(shown)) },
    { title: 'Stopped', sessions: sessions.filter(({ shown }) => shown === 'stopped' || shown === 'stopping') },
    { title: 'Terminated', sessions: sessions.filter(({ shown }) => shown === 'terminated') },
  ]
    .filter((group) => group.sessions.length > 0)
    .map((group) => ({ key: group.title, ...group }));

/** What people have of their own shares a name. */
export const projectTitle = ({ project, ownerName }: Session): string =>
  project.isPersonal ? `${project.name} · ${ownerName}` : project.name;

/** Projects by name, what is personal last; in each the sessions as they come. */
const byProject = (sessions: readonly Session[]): SessionGroup[] => {
  const found = new Map<string, { title: string; isPersonal: boolean; sessions: Session[] }>();
  for (const session of sessions) {
    const { id, isPersonal } = session.project;
    const group = found.get(id) ?? { title: projectTitle(session), isPersonal, sessions: [] };
    group.sessions.push(session);
    found.set(id, group);
  }
  return [...found]
    .map(([key, group]) => ({ key, ...group }))
    .toSorted((a, b) => Number(a.isPersonal) - Number(b.isPersonal) || a.title.localeCompare(b.title));
};

export const groupSessions = (sessions: readonly Session[], grouping: Grouping = 'status'): SessionGroup[] =>
  grouping === 'project' ? byProject(sessions) : byStatus(sessions);

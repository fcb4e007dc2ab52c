/** What the page asks the server for, by key. Sockets tell what changed; these are the truth. */
import { useQuery, type QueryClient } from '@tanstack/react-query';
import { routes, type Approval, type Project, type Session, type SessionId } from '@remote-claude/contract';

import { call } from './client';

export const aboutKey = ['about'] as const;
const meKey = ['me'] as const;
export const sessionsKey = ['sessions'] as const;
export const sessionKey = (id: string) => ['session', id] as const;
export const membersKey = (id: string) => ['session', id, 'members'] as const;
export const rulesKey = ['approval-rules'] as const;
export const projectsKey = ['projects'] as const;
export const projectPeopleKey = (id: string) => ['project', id, 'people'] as const;
export const projectRulesKey = (id: string) => ['project', id, 'rules'] as const;
export const approvalsKey = ['approvals'] as const;
export const modelKey = ['settings', 'model'] as const;
export const usersKey = ['users'] as const;

export const useAbout = () =>
  useQuery({
    queryKey: aboutKey,
    queryFn: () => call(routes.auth.about, {}),
    refetchInterval: 60_000,
    staleTime: 10_000,
  });

export const useMe = (enabled = true) =>
  useQuery({
    queryKey: meKey,
    queryFn: () => call(routes.auth.currentUser, {}),
    retry: false,
    staleTime: 60_000,
    enabled,
  });

/** All of a cursor's pages: a person has few sessions, and the list is searched as a whole. */
const everySession = async (terminated: boolean): Promise<Session[]> => {
  const items: Session[] = [];
  let cursor: string | null = null;
  do {
    const query = {
      limit: 200,
      terminated: terminated ? 'true' : 'false',
      ...(cursor === null ? {} : { cursor }),
    } as const;
    const page: { items: Session[]; nextCursor: string | null } = await call(routes.sessions.list, { query });
    items.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== null && items.length < 2_000);
  return items;
};

/** Sessions, the last active first; with the terminated ones where asked for. */
export const useSessions = (terminated = false) =>
  useQuery({
    queryKey: [...sessionsKey, { terminated }],
    queryFn: () => everySession(terminated),
    refetchInterval: 30_000,
  });

/** Open questions over all sessions, oldest first. Many more than a person can look through are not asked for. */
const everyApproval = async (): Promise<Approval[]> => {
  const items: Approval[] = [];
  let cursor: string | null = null;
  do {
    const query = { limit: 200, ...(cursor === null ? {} : { cursor }) };
    const page: { items: Approval[]; nextCursor: string | null } = await call(routes.claude.allApprovals, { query });
    items.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== null && items.length < 1_000);
  return items;
};

export const useApprovals = () =>
  useQuery({ queryKey: approvalsKey, queryFn: everyApproval, refetchInterval: 10_000, staleTime: 0 });

export const useApprovalRules = () =>
  useQuery({ queryKey: rulesKey, queryFn: async () => (await call(routes.claude.rules, {})).items });

/** Projects that this person is in, their own first. */
export const useProjects = () =>
  useQuery({
    queryKey: projectsKey,
    queryFn: async (): Promise<Project[]> => (await call(routes.projects.list, {})).items,
    staleTime: 15_000,
  });

export const useSessionRow = (id: SessionId) =>
  useQuery({
    queryKey: sessionKey(id),
    queryFn: () => call(routes.sessions.get, { params: { id } }),
    staleTime: 5_000,
  });

/** Takes one out that this person is no longer in, with what it asks. */
export const dropSession = (queries: QueryClient, id: string): void => {
  queries.setQueriesData<Session[]>({ queryKey: sessionsKey }, (list) => list?.filter((session) => session.id !== id));
  void queries.invalidateQueries({ queryKey: sessionsKey });
  void queries.invalidateQueries({ queryKey: approvalsKey });
};

/** Puts a session that the server told of into every list that is held. */
export const putSession = (queries: QueryClient, session: Session): void => {
  queries.setQueryData(sessionKey(session.id), session);
  for (const [key, list] of queries.getQueriesData<Session[]>({ queryKey: sessionsKey })) {
    if (list === undefined) continue;
    const withTerminated = (key[1] as { terminated?: boolean } | undefined)?.terminated === true;
    const others = list.filter(({ id }) => id !== session.id);
    const shown = session.wanted !== 'terminated' || withTerminated;
    const next = shown ? [session, ...others] : others;
    queries.setQueryData(
      key,
      next.sort((a, b) => b.lastActivity.localeCompare(a.lastActivity)),
    );
  }
};

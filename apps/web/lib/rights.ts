/** What this person is to a session, as far as the page knows; the server decides in the end. */
import type { ProjectRole, Session, SessionId } from '@remote-claude/contract';

import { useMe, useProjects, useSessionRow } from './queries';

export interface SessionPart {
  /** It is their own. */
  isOwn: boolean;
  /** What they are in its project; null while it is not known, and where they are nothing in it. */
  projectRole: ProjectRole | null;
  isAdmin: boolean;
}

export const useSessionPart = (session: Pick<Session, 'userId' | 'project'> | undefined): SessionPart => {
  const me = useMe().data?.user;
  const projects = useProjects().data;
  return {
    isOwn: me !== undefined && me.id === session?.userId,
    projectRole: projects?.find(({ id }) => id === session?.project.id)?.role ?? null,
    isAdmin: me?.role === 'admin',
  };
};

/** What of a session this person may allow for longer than the session. */
export const useLasting = (id: SessionId): { always: boolean; project: Session['project'] | null } => {
  const session = useSessionRow(id).data;
  const { isOwn, projectRole } = useSessionPart(session);
  return { always: isOwn, project: projectRole === 'owner' ? (session?.project ?? null) : null };
};

'use client';
/** What can be done with a session as a whole. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { toast } from 'sonner';
import { routes, type Session } from '@remote-claude/contract';

import { call, isCode, sentenceOf } from '../../lib/client';
import { dropSession, membersKey, putSession, useMe } from '../../lib/queries';
import { useSessionPart } from '../../lib/rights';

export interface SessionActions {
  /** `new`: on an empty disk, where that which it had is gone. */
  start(disk?: 'new'): void;
  stop(): Promise<unknown>;
  terminate(): Promise<unknown>;
  rename(name: string): Promise<unknown>;
  leave(): Promise<unknown>;
  busy: boolean;
}

type Whose = Pick<Session, 'id' | 'userId' | 'project'>;

/** What this person is to a session: its owner and those of its project share it; an administrator may end it too. */
export const useSessionRights = (session: Whose): { own: boolean; share: boolean; manage: boolean } => {
  const { isOwn, projectRole, isAdmin } = useSessionPart(session);
  const isOwner = isOwn || projectRole === 'owner';
  return { own: isOwn, share: isOwner, manage: isOwner || isAdmin };
};

/**
 * Whether it is itself shared with this person. Who sees it and owns it not is in it, but for an administrator and for those
 * of its project, who may not be.
 */
export const useIsMember = (session: Whose): boolean => {
  const { id, userId } = session;
  const me = useMe().data?.user;
  const { projectRole, isAdmin } = useSessionPart(session);
  const isForeign = me !== undefined && me.id !== userId;
  const isOtherwiseHere = isAdmin || projectRole !== null;
  const members = useQuery({
    queryKey: membersKey(id),
    queryFn: () => call(routes.members.list, { params: { id } }),
    enabled: isForeign && isOtherwiseHere,
    retry: false,
  });
  if (!isForeign) return false;
  return !isOtherwiseHere || (members.data?.items.some((one) => one.userId === me.id) ?? false);
};

/** Whether this person works in it, as far as the page knows: its owners and its editors, who may fork it and start it again. */
export const useIsEditor = (session: Whose): boolean => {
  const { id, userId } = session;
  const me = useMe().data?.user;
  const { projectRole } = useSessionPart(session);
  const isByProject = projectRole === 'owner' || projectRole === 'editor';
  const isForeign = me !== undefined && me.id !== userId;
  const members = useQuery({
    queryKey: membersKey(id),
    queryFn: () => call(routes.members.list, { params: { id } }),
    enabled: isForeign && !isByProject,
    retry: false,
  });
  return (
    !isForeign ||
    isByProject ||
    members.data?.items.some((one) => one.userId === me.id && one.role === 'editor') === true
  );
};

/** What may be asked of a session in its state; the server decides in the end. */
export const allowedActions = ({ wanted, shown }: Pick<Session, 'wanted' | 'shown'>) => ({
  start: wanted === 'stopped' || shown === 'failed',
  stop: wanted === 'running',
  terminate: wanted !== 'terminated',
  rename: wanted !== 'terminated',
  fork: wanted !== 'terminated',
});

export const useSessionActions = (id: Session['id']): SessionActions => {
  const queries = useQueryClient();
  const params = { id };
  const act = useMutation({
    mutationFn: (todo: () => Promise<Session>) => todo(),
    onSuccess: (session) => putSession(queries, session),
  });
  return {
    busy: act.isPending,
    start: (disk) =>
      act.mutate(() => call(routes.sessions.start, { params, ...(disk && { query: { disk } }) }), {
        onError: (thrown) => toast.error(sentenceOf(thrown)),
      }),
    stop: () => act.mutateAsync(() => call(routes.sessions.stop, { params })),
    terminate: () => act.mutateAsync(() => call(routes.sessions.remove, { params })),
    rename: (name) => act.mutateAsync(() => call(routes.sessions.patch, { params, body: { name } })),
    async leave() {
      try {
        await call(routes.members.leave, { params });
      } catch (thrown) {
        // Taken out meanwhile.
        if (!isCode(thrown, 'not_found')) throw thrown;
      }
      dropSession(queries, id);
    },
  };
};

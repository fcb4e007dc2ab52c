'use client';
/** What can be done with a session as a whole. */
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { toast } from 'sonner';
import { routes, type Session } from '@remote-claude/contract';

import { call, sentenceOf } from '../../lib/client';
import { putSession, useMe } from '../../lib/queries';

export interface SessionActions {
  start(): void;
  stop(): Promise<unknown>;
  terminate(): Promise<unknown>;
  rename(name: string): Promise<unknown>;
  busy: boolean;
}

/** What this person is to a session: only its owner shares it; an administrator may end it too. */
export const useSessionRights = ({ userId }: Pick<Session, 'userId'>): { share: boolean; manage: boolean } => {
  const me = useMe().data?.user;
  const isOwner = me?.id === userId;
  return { share: isOwner, manage: isOwner || me?.role === 'admin' };
};

/** What may be asked of a session in its state; the server decides in the end. */
export const allowedActions = ({ wanted, shown }: Pick<Session, 'wanted' | 'shown'>) => ({
  start: wanted === 'stopped' || shown === 'failed',
  stop: wanted === 'running',
  terminate: wanted !== 'terminated',
  rename: wanted !== 'terminated',
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
    start: () =>
      act.mutate(() => call(routes.sessions.start, { params }), {
        onError: (thrown) => toast.error(sentenceOf(thrown)),
      }),
    stop: () => act.mutateAsync(() => call(routes.sessions.stop, { params })),
    terminate: () => act.mutateAsync(() => call(routes.sessions.remove, { params })),
    rename: (name) => act.mutateAsync(() => call(routes.sessions.patch, { params, body: { name } })),
  };
};

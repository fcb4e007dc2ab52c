'use client';
/** Joins one session's socket and store, and gives them to what is inside. The only place where the two meet. */
import { createContext, use, useEffect, useMemo, useState, type ReactNode } from 'react';
import { useQueryClient } from '@tanstack/react-query';
import { useStore } from 'zustand';
import { routes, sessionSockets, type CommandId, type SessionId } from '@remote-claude/contract';

import { socketUrl } from './base-path';
import { call } from './client';
import { newCommandId } from './ids';
import type { Command } from './outbox';
import { sessionKey, useMe } from './queries';
import { createSessionStore, outboxKey, type SessionStore, type SessionView } from './session-store';
import { onForgotten } from './storage';
import { useWebSocket, type Socket } from './use-websocket';

export interface SessionHandle {
  id: SessionId;
  socket: Socket;
  store: SessionStore;
  /** Gives a command an id, keeps it until the server has stored it, and returns the id. */
  command<T extends Command['type']>(type: T, payload: Extract<Command, { type: T }>['payload']): CommandId;
  can(permission: string): boolean;
}

const Context = createContext<SessionHandle | null>(null);

/** Animation frames stop in a page that nobody sees; then a timer does. */
const nextFrame = (callback: () => void): (() => void) => {
  if (document.visibilityState === 'visible') {
    const frame = requestAnimationFrame(callback);
    return () => cancelAnimationFrame(frame);
  }
  const timer = setTimeout(callback, 100);
  return () => clearTimeout(timer);
};

const pageOfHistory = 200;

export const SessionProvider = ({ id, children }: { id: SessionId; children: ReactNode }) => {
  const queries = useQueryClient();
  const userId = useMe().data?.user.id ?? '';
  const [url, setUrl] = useState<string | null>(null);
  useEffect(() => setUrl(socketUrl(sessionSockets.ws.path.replace(':id', id))), [id]);
  const socket = useWebSocket(url);
  const { send, subscribe, connected, link } = socket;

  const store = useMemo(
    () =>
      createSessionStore({
        userId,
        sessionId: id,
        send,
        nextFrame,
        now: Date.now,
        history: async (before) =>
          (await call(routes.claude.history, { params: { id }, query: { before, limit: pageOfHistory } })).items,
      }),
    [id, userId, send],
  );

  useEffect(() => {
    const stop = subscribe((message) => {
      if (!(message instanceof Uint8Array)) store.receive(message);
    });
    return () => {
      stop();
      store.close();
    };
  }, [store, subscribe]);

  useEffect(() => onForgotten(outboxKey(userId, id), store.forget), [userId, id, store]);

  useEffect(() => {
    if (connected) store.connected();
    else store.disconnected();
  }, [store, connected]);

  // A refused upgrade looks like any other loss to a browser: HTTP says whether it is signed out or gone.
  const inDoubt = link.phase === 'refused' || (link.phase === 'waiting' && link.attempts >= 2);
  useEffect(() => {
    if (inDoubt) void queries.invalidateQueries({ queryKey: sessionKey(id) });
  }, [inDoubt, link.attempts, queries, id]);

  const permissions = useStore(store.view, ({ log }) => log.permissions);
  const handle = useMemo<SessionHandle>(
    () => ({
      id,
      socket,
      store,
      command: (type, payload) => {
        const commandId = newCommandId();
        store.dispatch({ id: commandId, type, payload } as Command);
        return commandId;
      },
      can: (permission) => permissions.includes(permission),
    }),
    [id, socket, store, permissions],
  );
  return <Context value={handle}>{children}</Context>;
};

/** The session that the caller is inside of. */
export const useSession = (): SessionHandle => {
  const handle = use(Context);
  if (handle === null) throw new Error('useSession is used outside of a SessionProvider.');
  return handle;
};

/** A part of what is known of the session; renders again only when that part changes. */
export const useSessionView = <T,>(select: (view: SessionView) => T): T => useStore(useSession().store.view, select);

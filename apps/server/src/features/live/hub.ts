// All viewers of all sessions on this server: a channel per watched session, a viewer per socket.

import { AppError } from '@remote-claude/contract';
import type { WebSocket } from 'ws';

import type { Clock } from '../../platform/clock.js';
import { toAppError, type SocketContext } from '../../platform/http/index.js';
import type { Log } from '../../platform/log.js';
import type { Events } from '../events/index.js';
import type { AgentDoor } from '../relay/index.js';
import type { LiveActions } from './actions.js';
import { createChannel, type Channel } from './channel.js';
import { createViewer, type Viewer } from './viewer.js';

export interface HubDeps {
  events: Events;
  door: AgentDoor;
  actions: LiveActions;
  clock: Clock;
  log: Log;
  timing: { heartbeatMs: number; deadMs: number; minRetryMs: number; maxRetryMs: number };
  /** Tells the ids of sign-ins as they end. */
  onRevoked(listener: (loginId: string) => void): () => void;
}

interface Watched {
  channel: Promise<Channel>;
  viewers: number;
}

/** Viewers come back spread over this time, so that a restart is no stampede. */
const comeBackSpreadMs = 2_000;

export const createHub = (deps: HubDeps) => {
  const { events, clock, log } = deps;
  const watched = new Map<string, Watched>();
  const viewers = new Set<Viewer>();

  const watch = (sessionId: string): Watched => {
    const known = watched.get(sessionId);
    if (known !== undefined) return known;
    const channel = events
      .head(sessionId)
      .then(({ head }) => createChannel({ sessionId, events, door: deps.door, clock, linkTiming: deps.timing }, head));
    const made = { channel, viewers: 0 };
    watched.set(sessionId, made);
    return made;
  };

  const leave = (sessionId: string, entry: Watched): void => {
    entry.viewers -= 1;
    if (entry.viewers > 0) return;
    if (watched.get(sessionId) === entry) watched.delete(sessionId);
    entry.channel.then(
      (channel) => channel.close(),
      () => {},
    );
  };

  const stopRevocations = deps.onRevoked((loginId) => {
    for (const viewer of viewers) if (viewer.loginId === loginId) viewer.refuse(new AppError('unauthenticated'));
  });

  const serve = async (socket: WebSocket, context: SocketContext, entry: Watched): Promise<void> => {
    const channel = await entry.channel;
    if (socket.readyState !== socket.OPEN) return leave(context.sessionId, entry);
    const viewer: Viewer = createViewer({
      ...deps,
      context,
      socket,
      channel,
      onClose() {
        viewers.delete(viewer);
        leave(context.sessionId, entry);
      },
    });
    viewers.add(viewer);
    socket.resume();
  };

  return {
    onSocket(socket: WebSocket, context: SocketContext): void {
      // Nothing is read until there is someone to read it.
      socket.pause();
      socket.on('error', () => {});
      const entry = watch(context.sessionId);
      entry.viewers += 1;
      serve(socket, context, entry).catch((thrown: unknown) => {
        const error = toAppError(thrown);
        if (error.code === 'internal') log.error({ err: error.cause ?? error, sessionId: context.sessionId }, 'a viewer could not be served');
        leave(context.sessionId, entry);
        socket.close(1011, error.message.slice(0, 100));
      });
    },
    count: (): number => viewers.size,
    /** Sends all viewers away to come back; for a server that ends. */
    drain(): void {
      for (const viewer of viewers) viewer.sendAway(Math.round(200 + Math.random() * comeBackSpreadMs));
    },
    close(): void {
      stopRevocations();
      for (const entry of watched.values()) void entry.channel.then((channel) => channel.close()).catch(() => {});
      watched.clear();
    },
  };
};
export type Hub = ReturnType<typeof createHub>;

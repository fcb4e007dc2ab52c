// All sockets of sessions in this process: a room for each session that is watched, and an end for all at a drain.

import { AppError, closeCodeOf, closeServiceRestart, type SessionSocketName } from '@remote-claude/contract';
import type { WebSocket } from 'ws';

import { createPace, type Pace } from '../../platform/pace.js';
import { toAppError, type Actor, type SocketContext, type Standing } from '../../platform/http/index.js';
import type { AgentFeedDeps } from './agent-feed.js';
import { openRoom, type Room } from './room.js';
import { serveSocket, type SocketDeps, type ViewerSocket } from './socket.js';

export interface HubDeps extends Omit<SocketDeps, 'personPace'> {
  ceilings?: SocketCeilings;
  timing: AgentFeedDeps['timing'];
  standing: Pick<Standing, 'isOver' | 'add'>;
  permissionsNow(actor: Actor, sessionId: string): Promise<ReadonlySet<string>>;
}

export interface SocketCeilings {
  /** Of everybody in this process. */
  maxOpen: number;
  /** Of one person. */
  maxOpenEach: number;
}

interface OpenSocket {
  context: SocketContext;
  /** null until its room is there. */
  viewer: ViewerSocket | null;
  socket: WebSocket;
}

const defaultCeilings: SocketCeilings = { maxOpen: 5_000, maxOpenEach: 200 };
/** Of messages over all sockets of one person. */
const personLimits = { perSecond: 500, burst: 2_000 };
/** How long one that is refused may take to read why. */
const refusedKeptMs = 2_000;
const maxRetryJitterMs = 2_000;

const refuse = (socket: WebSocket, error: AppError): void => {
  socket.close(closeCodeOf(error.code), error.message.slice(0, 100));
  // A socket that is not read does not learn that the other end closed too.
  socket.resume();
};

export const createHub = (deps: HubDeps) => {
  const rooms = new Map<string, { room: Promise<Room>; viewers: number }>();
  const open = new Set<OpenSocket>();
  const people = new Map<string, { open: number; pace: Pace }>();
  const ceilings = deps.ceilings ?? defaultCeilings;
  let draining = false;

  const enter = (sessionId: string): Promise<Room> => {
    const entry = rooms.get(sessionId) ?? { room: openRoom({ ...deps, sessionId }), viewers: 0 };
    entry.viewers += 1;
    rooms.set(sessionId, entry);
    return entry.room;
  };
  const leave = (sessionId: string): void => {
    const entry = rooms.get(sessionId);
    if (entry === undefined) return;
    entry.viewers -= 1;
    if (entry.viewers > 0) return;
    rooms.delete(sessionId);
    entry.room.then(
      (room) => room.close(),
      () => {},
    );
  };

  const sendAway = ({ viewer, socket }: OpenSocket): void => {
    const retryAfterMs = Math.round(Math.random() * maxRetryJitterMs);
    if (viewer === null) socket.close(closeServiceRestart, String(retryAfterMs));
    else viewer.goAway(retryAfterMs);
  };

  const serve = async (socket: WebSocket, context: SocketContext, entry: OpenSocket): Promise<void> => {
    try {
      const room = await enter(context.sessionId);
      if (socket.readyState !== socket.OPEN) return;
      const personPace = people.get(context.actor.userId)?.pace ?? createPace(deps.clock, personLimits);
      entry.viewer = serveSocket({ ...deps, personPace }, socket, context, room);
      if (draining) sendAway(entry);
      else socket.resume();
    } catch (thrown) {
      const error = toAppError(thrown);
      if (error.code === 'internal') deps.log.error({ err: error.cause ?? error }, 'a socket could not be served');
      refuse(socket, error);
    }
  };

  const revoke = ({ viewer, socket }: OpenSocket): void => {
    if (viewer === null) refuse(socket, new AppError('unauthenticated'));
    else viewer.revoke();
  };

  /** Closes it where its person may do more or less by now: it comes back with what holds then, or is refused. */
  const checkPermissions = async (entry: OpenSocket): Promise<void> => {
    const { actor, sessionId, permissions } = entry.context;
    try {
      const now = await deps.permissionsNow(actor, sessionId);
      if (now.size === permissions.size && [...now].every((permission) => permissions.has(permission))) return;
      entry.viewer?.drop();
      if (now.size === 0) refuse(entry.socket, new AppError('not_found'));
      else sendAway(entry);
    } catch (err) {
      deps.log.warn({ err, sessionId }, 'what a viewer may do could not be looked up; it is sent away');
      entry.viewer?.drop();
      sendAway(entry);
    }
  };
  const turnAway = (socket: WebSocket, error: AppError): void => {
    socket.on('error', () => {});
    socket.once(
      'close',
      deps.clock.after(refusedKeptMs, () => socket.terminate()),
    );
    refuse(socket, error);
  };

  /** Why there is no room for one more; null where there is. */
  const noRoom = (userId: string): AppError | null => {
    if (open.size >= ceilings.maxOpen)
      return new AppError('unavailable', {
        message: 'The server has as many connections as it can. Try again shortly.',
      });
    const mine = people.get(userId)?.open ?? 0;
    return mine >= ceilings.maxOpenEach
      ? new AppError('rate_limited', { message: `You have ${mine} connections open. Close some pages.` })
      : null;
  };

  const countIn = (userId: string): void => {
    const person = people.get(userId) ?? { open: 0, pace: createPace(deps.clock, personLimits) };
    person.open += 1;
    people.set(userId, person);
  };
  const countOut = (userId: string): void => {
    const person = people.get(userId);
    if (person === undefined) return;
    person.open -= 1;
    if (person.open === 0) people.delete(userId);
  };

  return {
    /** Takes a socket that was let in; owns it from here on. */
    onSocket(socket: WebSocket, context: SocketContext): void {
      const { loginId, userId } = context.actor;
      if (deps.standing.isOver(loginId)) return turnAway(socket, new AppError('unauthenticated'));
      const full = noRoom(userId);
      if (full !== null) return turnAway(socket, full);
      countIn(userId);
      const entry: OpenSocket = { context, viewer: null, socket };
      open.add(entry);
      const leaveStanding = deps.standing.add({
        ...context,
        onRevoked: () => revoke(entry),
        onChanged: () => void checkPermissions(entry),
      });
      // What it says before its room is there waits in the socket.
      socket.pause();
      socket.on('error', () => {});
      socket.once('close', () => {
        open.delete(entry);
        leaveStanding();
        countOut(userId);
        leave(context.sessionId);
      });
      void serve(socket, context, entry);
      // A change that came between the look at its permissions and now was told before it was here.
      void checkPermissions(entry);
    },
    count: (): number => open.size,
    /** Open sockets by their kind, the people at them, and the sessions that they watch. */
    countByKind(): { sockets: Map<SessionSocketName, number>; people: number; sessions: number } {
      const sockets = new Map<SessionSocketName, number>();
      for (const { context } of open) sockets.set(context.name, (sockets.get(context.name) ?? 0) + 1);
      return { sockets, people: people.size, sessions: rooms.size };
    },
    /** Tells everyone to come back a little later; for a server that ends. */
    drain(): void {
      draining = true;
      for (const entry of open) sendAway(entry);
    },
    close(): void {
      for (const { socket } of open) socket.terminate();
    },
  };
};

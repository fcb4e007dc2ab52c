// A session that is being watched: its log followed once, its agent listened to once, for all viewers.
// It knows viewers by what they can be told; sockets are their own matter.

import {
  reduceSession,
  type NumberedEvent,
  type OpenBlock,
  type ServerMessage,
  type SessionState,
} from '@remote-claude/contract';

import type { Events, Follower } from '../events/index.js';
import { createAgentFeed, type AgentFeedDeps } from './agent-feed.js';
import { createOpenBlocks } from './open-blocks.js';

export interface RoomMember {
  /** Newly committed events, in order. */
  onEvents(events: NumberedEvent[]): void;
  /** Something passing: told now or never. */
  onLive(message: ServerMessage): void;
  wantsFiles(): boolean;
}

export interface RoomDeps extends Omit<AgentFeedDeps, 'onMessage' | 'onReachable'> {
  events: Events;
}

export interface Room {
  /** Number of the last event that members were told. */
  cursor(): number;
  openBlocks(): OpenBlock[];
  isAgentUp(): boolean;
  /** A member wants or no longer wants changes on the disk. */
  filesChanged(): void;
  join(member: RoomMember): void;
  /** True where nobody is left. */
  leave(member: RoomMember): boolean;
  close(): void;
}

const live = (type: 'place' | 'block-dropped' | 'open-block', payload: unknown): ServerMessage =>
  ({ id: '', type, payload }) as ServerMessage;

const hasAgent = ({ wanted, place }: SessionState): boolean =>
  wanted === 'running' && ['starting', 'running', 'unreachable'].includes(place.status);

/** Throws `not_found`. */
export const openRoom = async (deps: RoomDeps): Promise<Room> => {
  const { sessionId, events } = deps;
  const members = new Set<RoomMember>();
  const blocks = createOpenBlocks();
  let { state, head: cursor } = await events.head(sessionId);
  let follower: Follower | null = null;

  const tell = (message: ServerMessage): void => {
    for (const member of members) member.onLive(message);
  };

  const onMessage = (message: ServerMessage): void => {
    switch (message.type) {
      case 'open-block':
        if (blocks.put(message.payload)) tell(message);
        return;
      case 'claude-stream': {
        const added = blocks.add(message.payload);
        if (added === 'added') tell(message);
        if (added === 'gap') feed.resubscribe();
        return;
      }
      case 'block-dropped':
        blocks.drop(message.payload.blockId);
        return tell(message);
      case 'files-changed':
        for (const member of members) if (member.wantsFiles()) member.onLive(message);
        return;
      default:
        return tell(message);
    }
  };

  const feed = createAgentFeed({
    ...deps,
    onMessage,
    onReachable(reachable) {
      tell(live('place', { reachable }));
      if (reachable) for (const blockId of blocks.clear()) tell(live('block-dropped', { blockId }));
    },
  });

  const onEvents = (page: NumberedEvent[]): void => {
    cursor = page.at(-1)?.seq ?? cursor;
    for (const numbered of page) {
      blocks.settle(numbered.event);
      state = reduceSession(state, numbered);
    }
    for (const member of members) member.onEvents(page);
    if (page.some(({ event }) => event.type === 'place.changed')) feed.want(hasAgent(state));
  };

  follower = events.follow(sessionId, cursor, onEvents);
  feed.want(hasAgent(state));

  const filesChanged = (): void => feed.wantFiles([...members].some((member) => member.wantsFiles()));
  return {
    cursor: () => cursor,
    openBlocks: () => blocks.all(),
    isAgentUp: () => feed.isUp(),
    filesChanged,
    join(member) {
      members.add(member);
    },
    leave(member) {
      members.delete(member);
      filesChanged();
      return members.size === 0;
    },
    close() {
      follower?.close();
      feed.close();
    },
  };
};

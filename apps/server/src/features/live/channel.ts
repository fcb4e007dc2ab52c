// What the viewers of one session share: one follower of the log and one line to the agent, while anyone watches.
// It knows viewers only as listeners.

import type { NumberedEvent, OpenBlock, ServerMessage } from '@remote-claude/contract';

import type { Clock } from '../../platform/clock.js';
import type { Events, Follower } from '../events/index.js';
import type { AgentDoor } from '../relay/index.js';
import { createLiveLink } from './live-link.js';
import { createOpenBlocks } from './open-blocks.js';

export interface Listener {
  onEvents(events: readonly NumberedEvent[]): void;
  /** JSON of a message that no one needs tomorrow; `of` is what it is about. */
  onPassing(text: string, of: 'chat' | 'files'): void;
  onReachable(reachable: boolean): void;
}

export interface ChannelDeps {
  sessionId: string;
  events: Events;
  door: AgentDoor;
  clock: Clock;
  linkTiming: { heartbeatMs: number; deadMs: number; minRetryMs: number; maxRetryMs: number };
}

export const createChannel = (deps: ChannelDeps, head: number) => {
  const listeners = new Set<Listener>();
  const blocks = createOpenBlocks();
  let cursor = head;

  const tellAll = (tell: (listener: Listener) => void): void => {
    for (const listener of listeners) tell(listener);
  };

  const onMessage = (message: ServerMessage): void => {
    if (!blocks.take(message)) return;
    const text = JSON.stringify(message);
    const of = message.type === 'files-changed' ? 'files' : 'chat';
    tellAll((listener) => listener.onPassing(text, of));
  };

  const link = createLiveLink({
    ...deps,
    timing: deps.linkTiming,
    onMessage,
    onReachable(reachable) {
      // What was open is told anew by the agent, or is over.
      blocks.clear();
      tellAll((listener) => listener.onReachable(reachable));
    },
  });

  const follower: Follower = deps.events.follow(deps.sessionId, head, (events) => {
    cursor = events.at(-1)?.seq ?? cursor;
    for (const numbered of events) {
      blocks.settle(numbered);
      if (numbered.event.type === 'place.changed' && numbered.event.status === 'running') link.hurry();
    }
    tellAll((listener) => listener.onEvents(events));
  });

  return {
    openBlocks: (): OpenBlock[] => blocks.all(),
    isReachable: link.isUp,

    /**
     * Gives a listener all events after `after` once and in order, and what passes from then on.
     * Between the last look at `cursor` and the joining nothing is awaited, so that nothing falls between.
     */
    async join(listener: Listener, after: number, isGone: () => boolean): Promise<void> {
      let reached = after;
      while (reached < cursor && !isGone()) {
        const page = await deps.events.read(deps.sessionId, { after: reached }, 500);
        if (page.length === 0) break;
        reached = page.at(-1)?.seq ?? reached;
        listener.onEvents(page);
      }
      if (!isGone()) listeners.add(listener);
    },
    leave: (listener: Listener): boolean => listeners.delete(listener),
    close(): void {
      follower.close();
      link.close();
    },
  };
};
export type Channel = ReturnType<typeof createChannel>;

// What the bus tells of sessions: what is wanted, new commands, new rules. It only wakes; what is true is in the rows.

import type { AgentCommand } from '@remote-claude/contract';

import type { Bus } from '../../platform/bus.js';
import { rulesChannel } from '../claude/index.js';
import { commandsChannel, wantedChannel } from '../events/index.js';
import type { Watch } from './watch.js';

export interface NewsDeps {
  watches: ReadonlyMap<string, Watch>;
  /** Somebody wants something of this session now. */
  wish(sessionId: string): void;
  lookAtAll(): void;
}

const idOf = (payload: unknown): string => (payload as { id: string }).id;
const commandOf = (payload: unknown): AgentCommand | undefined => (payload as { command?: AgentCommand }).command;

/** Returns what ends it. */
export const listenToNews = (bus: Bus, { watches, wish, lookAtAll }: NewsDeps): (() => void) => {
  const leave = [
    bus.subscribe(wantedChannel, (notice) => {
      if (notice.kind === 'message') wish(idOf(notice.payload));
      else lookAtAll();
    }),
    bus.subscribe(commandsChannel, (notice) => {
      if (notice.kind === 'message') watches.get(idOf(notice.payload))?.link?.link.deliver(commandOf(notice.payload));
      else for (const watch of watches.values()) watch.link?.link.deliver();
    }),
    bus.subscribe(rulesChannel, (notice) => {
      const of = notice.kind === 'message' ? idOf(notice.payload) : null;
      for (const watch of watches.values()) watch.link?.link.rulesChanged(of);
    }),
  ];
  return () => {
    for (const end of leave) end();
  };
};

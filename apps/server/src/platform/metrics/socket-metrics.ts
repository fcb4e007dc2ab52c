// Sockets that are open at an api, and who is at them. It knows no message.

import type { SessionSocketName } from '@remote-claude/contract';

import type { MetricsRegistry } from './registry.js';

export interface WatchedSockets {
  count(): { sockets: ReadonlyMap<SessionSocketName, number>; people: number; sessions: number };
  /** Pages that hear of all their sessions. */
  notices(): number;
}

export const watchSockets = (registry: MetricsRegistry, { count, notices }: WatchedSockets): void => {
  registry.gauge({
    name: 'sockets_open',
    help: 'Open sockets of pages and programs, by their kind.',
    labels: ['kind'],
    read(set) {
      for (const [kind, open] of count().sockets) set(open, { kind });
      set(notices(), { kind: 'notices' });
    },
  });
  registry.gauge({
    name: 'viewers',
    help: 'People with an open socket to a session at this process.',
    read: (set) => set(count().people),
  });
  registry.gauge({
    name: 'sessions_watched',
    help: 'Sessions that somebody watches at this process.',
    read: (set) => set(count().sessions),
  });
};

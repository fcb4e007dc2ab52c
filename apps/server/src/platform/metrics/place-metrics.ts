// What a session-manager counts: places that start and end, its rounds, and its links to agents. It knows no session.

import type { MetricsRegistry } from './registry.js';

/** Why a place is there no more. `cut_off`: its sockets are gone; `superseded`: no session has it. */
export type PlaceEnd = 'stopped' | 'ended_itself' | 'cut_off' | 'never_answered' | 'unreachable' | 'superseded';

export interface PlaceMetrics {
  /** The engine has started one. */
  started(): void;
  /** `reason` is of a closed list. */
  startFailed(reason: string): void;
  ended(reason: PlaceEnd): void;
  /** Its agent answered for the first time; `wish` where a person's wish began it. */
  reached(start: { sinceBegunMs: number; wish: { after: 'create' | 'start'; ms: number } | null }): void;
  /** A look at all sessions is over. */
  lookedAtAll(durationMs: number): void;
  /** A session could not be looked after. */
  stumbled(): void;
  /** A link to an agent is up; `again` where it was up before. */
  linkUp(again: boolean): void;
}

const startBuckets = [0.1, 0.25, 0.5, 1, 2, 3, 5, 8, 13, 20, 30, 60, 120, 300];

export const createPlaceMetrics = (registry: MetricsRegistry): PlaceMetrics => {
  const started = registry.counter({ name: 'places_started_total', help: 'Places that the engine started.' });
  const failed = registry.counter({
    name: 'place_start_failures_total',
    help: 'Places that could not be started, by the kind of reason.',
    labels: ['reason'],
  });
  const ended = registry.counter({
    name: 'places_ended_total',
    help: 'Places that are there no more, by why.',
    labels: ['reason'],
  });
  const placeStart = registry.histogram({
    name: 'place_start_duration_seconds',
    help: 'From the beginning of a place to the first answer of its agent.',
    buckets: startBuckets,
  });
  const sessionStart = registry.histogram({
    name: 'session_start_duration_seconds',
    help: 'From a wish for a running session (a new one, or one that is started again) to the first answer of its agent.',
    labels: ['after'],
    buckets: startBuckets,
  });
  const rounds = registry.histogram({
    name: 'reconcile_duration_seconds',
    help: 'How long a look at all sessions took.',
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
  });
  const stumbles = registry.counter({
    name: 'reconcile_failures_total',
    help: 'Looks at a session that failed, and are repeated after a pause.',
  });
  const links = registry.counter({
    name: 'agent_link_connects_total',
    help: 'Links to agents that came up: the first of this process to a place, or again after a loss.',
    labels: ['kind'],
  });
  return {
    started: () => started.inc(),
    startFailed: (reason) => failed.inc({ reason }),
    ended: (reason) => ended.inc({ reason }),
    reached({ sinceBegunMs, wish }) {
      placeStart.observe(Math.max(0, sinceBegunMs) / 1000);
      if (wish !== null) sessionStart.observe({ after: wish.after }, Math.max(0, wish.ms) / 1000);
    },
    lookedAtAll: (durationMs) => rounds.observe(durationMs / 1000),
    stumbled: () => stumbles.inc(),
    linkUp: (again) => links.inc({ kind: again ? 'again' : 'first' }),
  };
};

// How many sessions there are in each state, of the whole site, as the rows say it. Each session-manager tells the same
// number; see docs/operating/monitoring.md.

import type { ShownStatus } from '@remote-claude/contract';

import type { Clock } from '../clock.js';
import type { MetricsRegistry } from './registry.js';

export type CountSessions = () => Promise<ReadonlyMap<ShownStatus, number>>;

/** However often somebody looks, the rows are counted so seldom. */
const freshMs = 5_000;
/** Later than this a number is not told: who looks does not wait for a database that is away. */
const patienceMs = 2_000;

export interface SessionMetricsDeps {
  count: CountSessions;
  /** Every word that there is: a state without sessions is 0, not missing. */
  states: readonly ShownStatus[];
  clock: Clock;
}

export const watchSessions = (registry: MetricsRegistry, { count, states, clock }: SessionMetricsDeps): void => {
  let asked: { atMs: number; answer: ReturnType<CountSessions> } | null = null;

  const counted = (): ReturnType<CountSessions> => {
    const nowMs = clock.monotonicMs();
    if (asked !== null && nowMs - asked.atMs <= freshMs) return asked.answer;
    const mine = { atMs: nowMs, answer: count() };
    asked = mine;
    mine.answer.catch(() => {
      if (asked === mine) asked = null;
    });
    return mine.answer;
  };

  registry.gauge({
    name: 'sessions',
    help: 'Sessions of the whole site in each state, the same from every session-manager: take the maximum, not the sum.',
    labels: ['state'],
    async read(set) {
      let cancel = (): void => {};
      const late = new Promise<never>((_resolve, reject) => {
        cancel = clock.after(patienceMs, () => reject(new Error('the database did not count in time')));
      });
      try {
        const found = await Promise.race([counted(), late]);
        for (const state of states) set(found.get(state) ?? 0, { state });
      } finally {
        cancel();
      }
    },
  });
};

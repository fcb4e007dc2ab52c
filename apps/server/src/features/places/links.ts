// The links to the agents of our sessions: one to each place that there is, and what comes over it besides events. It
// knows no steps but the opening of a place's way out, and decides nothing.

import type { Clock } from '../../platform/clock.js';
import type { Log } from '../../platform/log.js';
import { createAgentLink, type AgentLinkDeps, type LinkTiming } from './agent-link.js';
import { cutOffReason, type PlaceTiming } from './decide.js';
import type { ForkKeeps } from './fork-keeps.js';
import type { Quotas } from './quota.js';
import type { Steps } from './steps.js';
import type { PlaceRow, PlacesStore } from './store.js';
import { StepFailure } from './stumble.js';
import { newFill, type Watch } from './watch.js';

export interface LinksDeps extends Omit<
  AgentLinkDeps,
  'sessionId' | 'placeId' | 'fence' | 'onUp' | 'onDown' | 'onActivity' | 'quota' | 'onQuota'
> {
  store: Pick<PlacesStore, 'touch'>;
  steps: Pick<Steps, 'reopenGateway'>;
  keeps: Pick<ForkKeeps, 'sweep'>;
  quotas: Quotas;
  clock: Clock;
  log: Log;
  timing: PlaceTiming & LinkTiming;
  reconcile(sessionId: string): Promise<void>;
  /** As `reconcile`, unless the session is paused after a failure. */
  nudge(sessionId: string, watch: Watch): Promise<void>;
}

const touchEveryMs = 30_000;

export const createLinks = (deps: LinksDeps) => {
  const { store, steps, keeps, quotas, clock, log, timing, reconcile, nudge } = deps;

  /** A look writes it down; it is called for each batch, so most find it written. */
  const noteQuota = (sessionId: string, watch: Watch, why: string | null): void => {
    if (why === watch.notKept) return;
    if (why !== null) log.warn({ sessionId, why }, 'what an agent says is not kept for a while');
    watch.notKept = why;
    void nudge(sessionId, watch);
  };

  const touch = (sessionId: string, watch: Watch, idleMs: number): void => {
    if (clock.monotonicMs() - watch.touchedAtMs < touchEveryMs) return;
    watch.touchedAtMs = clock.monotonicMs();
    store.touch(sessionId, new Date(clock.now().getTime() - idleMs)).catch((err: unknown) => {
      log.warn({ err, sessionId }, 'activity could not be written down');
    });
  };

  const dropLink = async (watch: Watch): Promise<void> => {
    const link = watch.link?.link;
    watch.link = null;
    watch.fill = newFill();
    // What comes to a fork comes to this place and under this lease.
    await watch.filling?.end();
    await link?.close();
  };

  const ensureLink = async (row: PlaceRow, watch: Watch): Promise<void> => {
    const { sessionId, placeId, doors, fence } = row;
    if (placeId === null || doors === null || watch.link?.placeId === placeId) return;
    await dropLink(watch);
    const link = createAgentLink({
      ...deps,
      sessionId,
      placeId,
      fence,
      onUp: () => {
        void reconcile(sessionId);
        void keeps.sweep(sessionId);
      },
      // The place may have gone with its agent: the driver is asked at once.
      onDown: () => void nudge(sessionId, watch),
      onActivity: (idleMs) => touch(sessionId, watch, idleMs),
      quota: quotas.of(sessionId),
      onQuota: (why) => noteQuota(sessionId, watch, why),
    });
    watch.link = { placeId, link };
  };

  /** Opens the ways to and from a place that is there. */
  const attach = async (row: PlaceRow, watch: Watch, cutOff: boolean): Promise<void> => {
    if (cutOff) {
      // Perhaps only a file system that is not mounted yet: another place is the last resort.
      if (watch.failures < timing.maxAttempts) throw new StepFailure(cutOffReason);
      return;
    }
    try {
      await steps.reopenGateway(row);
    } finally {
      // The agent's journal is read whether or not the model can be reached.
      await ensureLink(row, watch);
    }
  };

  return { attach, dropLink };
};

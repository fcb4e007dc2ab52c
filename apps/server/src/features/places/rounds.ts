// Looks at every session now and then, whether or not a message said so: at those that are not settled, at those that
// something runs for, and at disks whose time has come. It knows no decision and no step.

import type { FoundPlace } from '@remote-claude/compute';

import type { Cancel, Clock } from '../../platform/clock.js';
import type { Log } from '../../platform/log.js';
import type { PlaceMetrics } from '../../platform/metrics/index.js';
import type { Claimant } from './leases-store.js';
import type { PlacesStore } from './store.js';
import type { Watch } from './watch.js';

export interface RoundsDeps {
  store: Pick<PlacesStore, 'unsettled' | 'dueDisks'>;
  driver: { list(): Promise<FoundPlace[]> };
  clock: Clock;
  log: Log;
  /** Nobody counts where it is left out. */
  metrics?: PlaceMetrics | undefined;
  timing: { diskRetentionMs: number; /** Between two looks at everything. */ reconcileMs: number };
  watches: Map<string, Watch>;
  watchOf(sessionId: string): Watch;
  claimant(): Promise<Claimant>;
  /** Looks at one session, unless it is paused after a failure. */
  nudge(sessionId: string, watch: Watch): Promise<void>;
}

/** Disks that are removed at once; the others' turn comes with the next rounds. */
const disksPerRound = 4;

export const createRounds = (deps: RoundsDeps) => {
  const { store, driver, clock, log, timing, watches, watchOf, claimant, nudge } = deps;
  let closed = false;
  let cancelRound: Cancel = () => {};

  const listPlaces = async (): Promise<FoundPlace[]> => {
    try {
      return await driver.list();
    } catch (err) {
      // Each session is looked at nevertheless, and says what is wrong.
      log.warn({ err }, 'what runs could not be listed');
      return [];
    }
  };

  const reconcileAll = async (): Promise<void> => {
    const begunAtMs = clock.monotonicMs();
    const us = await claimant();
    const [found, unsettled, dueDisks] = await Promise.all([
      listPlaces(),
      store.unsettled(us),
      store.dueDisks(new Date(clock.now().getTime() - timing.diskRetentionMs), disksPerRound, us),
    ]);
    for (const id of new Set(found.map(({ sessionId }) => sessionId)))
      watchOf(id).found = found.filter(({ sessionId }) => sessionId === id);
    const linked = [...watches].filter(([, watch]) => watch.link !== null).map(([sessionId]) => sessionId);
    const sessions = new Set([...unsettled, ...dueDisks, ...found.map((place) => place.sessionId), ...linked]);
    await Promise.all([...sessions].map((sessionId) => nudge(sessionId, watchOf(sessionId))));
    deps.metrics?.lookedAtAll(clock.monotonicMs() - begunAtMs);
    for (const [sessionId, watch] of watches) {
      if (!sessions.has(sessionId) && watch.failures === 0 && watch.link === null && watch.looking === null)
        watches.delete(sessionId);
    }
  };

  const round = async (): Promise<void> => {
    let cancelLate: Cancel = () => {};
    const late = new Promise<void>((resolve) => {
      cancelLate = clock.after(timing.reconcileMs, resolve);
    });
    try {
      // One that takes long keeps the others neither from being looked at again nor from being started.
      await Promise.race([reconcileAll(), late]);
    } catch (err) {
      if (!closed) log.error({ err }, 'sessions could not be looked after and are tried again');
    }
    cancelLate();
    if (!closed) cancelRound = clock.after(timing.reconcileMs, () => void round());
  };

  return {
    reconcileAll,
    /** Resolves after the first look at everything. */
    start: round,
    close(): void {
      closed = true;
      cancelRound();
    },
  };
};

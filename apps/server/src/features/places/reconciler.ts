// Makes the real state of every session equal the wanted one: looks, decides, takes one step, and looks again.
// It is level-triggered: a message only says when to look. It knows drivers and agents through its steps and links.

import { ComputeError, type FoundPlace } from '@remote-claude/compute';

import type { Bus } from '../../platform/bus.js';
import type { PlaceMetrics } from '../../platform/metrics/index.js';
import type { Rights } from '../access/index.js';
import { StaleFenceError } from '../events/index.js';
import type { AgentLinkDeps, LinkTiming } from './agent-link.js';
import { createCountedSteps } from './counted-steps.js';
import { createCountingDriver } from './counting-driver.js';
import { decide, pauseAfterMs, type PlaceTiming, type Unprepared } from './decide.js';
import { createFilling } from './filling.js';
import { createForkKeeps } from './fork-keeps.js';
import { createForkStore } from './fork-store.js';
import { LeaseLostError } from './guarded-driver.js';
import type { Leases } from './leases.js';
import type { Claimant } from './leases-store.js';
import { createLineWatch } from './line-watch.js';
import { createLinks } from './links.js';
import { listenToNews } from './news.js';
import { createPatientDriver } from './patient-driver.js';
import { needsOf } from './place-needs.js';
import { createPreparation } from './preparation.js';
import { createQuotas, type QuotaLimits } from './quota.js';
import { createRounds } from './rounds.js';
import { createEyes } from './sight.js';
import type { StepDeps } from './step-parts.js';
import { createSteps } from './steps.js';
import type { PlaceRow } from './store.js';
import { reasonOf } from './stumble.js';
import { createTaking } from './taking.js';
import { newFill, newWatch, type Watch } from './watch.js';

export interface PlacesDeps extends StepDeps, Pick<AgentLinkDeps, 'door' | 'rules'> {
  bus: Bus;
  /** Who may have the files of which session. */
  rights: Pick<Rights, 'may'>;
  /** Which sessions are ours to look after. Another closes it. */
  leases: Leases;
  /** What ended places have used may be free now. */
  onPlaceEnded(): void;
  quota?: QuotaLimits;
  /** Nobody counts where it is left out. */
  metrics?: PlaceMetrics;
  timing: PlaceTiming &
    LinkTiming & { stopGraceMs: number; /** Between two looks at everything. */ reconcileMs: number };
}

/** More steps than any way from one settled state to another has. */
const maxSteps = 12;

export const createPlaces = (given: PlacesDeps) => {
  const { store, bus, leases, clock, log, timing } = given;
  const patient = createPatientDriver(given.driver, { clock, limitMs: timing.startTimeoutMs });
  const driver = createCountingDriver(patient, given.metrics);
  const deps = { ...given, driver };
  const steps = createCountedSteps(createSteps(deps), deps);
  const forks = createForkStore(deps.database);
  const keeps = createForkKeeps({ ...deps, forks });
  const filling = createFilling({ ...deps, steps, forks, keeps, again: (sessionId) => void reconcile(sessionId) });
  const preparation = createPreparation({
    ...deps,
    again: (sessionId) => void nudge(sessionId, watchOf(sessionId)),
  });
  const unprepared = async ({ sessionId, config }: PlaceRow): Promise<Unprepared | null> => {
    let image: string | null;
    try {
      image = deps.imageOf(config);
    } catch (error) {
      if (!(error instanceof ComputeError)) throw error;
      return { step: null, failure: { reason: error.message, isOver: true }, againInMs: timing.longestRetryMs };
    }
    return preparation.look(sessionId, needsOf(deps.environment, image));
  };
  const watches = new Map<string, Watch>();
  const quotas = createQuotas(clock, deps.quota);
  let closed = false;

  const watchOf = (sessionId: string): Watch => {
    const watch = watches.get(sessionId) ?? newWatch();
    watches.set(sessionId, watch);
    return watch;
  };

  const look = async (sessionId: string, watch: Watch): Promise<void> => {
    while (watch.stale && !closed) {
      watch.stale = false;
      watch.cancelTimer();
      try {
        const againInMs = await settle(sessionId, watch);
        watch.failures = 0;
        watch.pausedUntilMs = -Infinity;
        if (againInMs !== null) watch.cancelTimer = clock.after(againInMs, () => void reconcile(sessionId));
      } catch (error) {
        if (!(error instanceof StaleFenceError || error instanceof LeaseLostError)) {
          await stumble(sessionId, watch, error);
          continue;
        }
        // Whose it is now is seen at the next look.
        log.info({ sessionId, why: error.message }, 'a session is not ours any more');
        await leaveAlone(watch);
        watch.stale = true;
      }
    }
  };

  /** A look that failed: it is written down why, and tried again after a pause. */
  const stumble = async (sessionId: string, watch: Watch, error: unknown): Promise<void> => {
    const reason = reasonOf(error);
    // A database that is away is no fault of the place: it is back soon, and then nobody waits for a long pause.
    if (reason !== null) watch.failures += 1;
    const pauseMs = reason === null ? timing.retryMs : pauseAfterMs(watch.failures, timing);
    watch.pausedUntilMs = clock.monotonicMs() + pauseMs;
    watch.cancelTimer = clock.after(pauseMs, () => void reconcile(sessionId));
    deps.metrics?.stumbled();
    log.warn({ err: error, sessionId, failures: watch.failures }, 'a session could not be looked after');
    if (reason === null || closed) return;
    try {
      const row = await store.find(sessionId);
      if (row !== null && row.fence.owner === watch.owner)
        await steps.stumble(row, reason, watch.failures >= timing.maxAttempts);
    } catch (err) {
      log.warn({ err, sessionId }, 'why a session could not be looked after could not be written down');
    }
  };

  /** Step by step until nothing is to be done; says when to look again by itself. */
  const settle = async (sessionId: string, watch: Watch): Promise<number | null> => {
    for (let count = 0; count < maxSteps && !closed; count += 1) {
      // A place is named in its row before it starts. So what runs is listed before the row is read, never after: else one
      // that began in between looks like nobody's.
      const { found } = watch;
      watch.found = [];
      const row = await ownRow(sessionId, watch);
      if (row === 'others') return null;
      await stopStrays(row, found);
      if (row === null) {
        await dropLink(watch);
        return null;
      }
      const sight = await eyes.see(row, watch);
      const decision = decide(sight, timing);
      if (decision.do === 'nothing') {
        if (row.placeId === null) await dropLink(watch);
        return decision.againInMs;
      }
      log.debug({ sessionId, decision: decision.do }, 'a step for a session');
      await take(row, decision, watch);
    }
    return closed ? null : timing.retryMs;
  };

  const claimant = async (): Promise<Claimant> => ({ owner: await leases.owner(), engine: leases.engine });

  /** The session's row; null where there is none, `others` where another looks after it. */
  const ownRow = async (sessionId: string, watch: Watch): Promise<PlaceRow | null | 'others'> => {
    const us = await claimant();
    if (watch.owner !== us.owner) {
      await dropLink(watch);
      const claimed = await store.claim(sessionId, us);
      if (claimed !== null) watch.owner = us.owner;
      if (claimed !== null) return claimed;
    }
    const row = await store.find(sessionId);
    if (row === null || row.fence.owner === us.owner) return row;
    await leaveAlone(watch);
    return 'others';
  };

  const leaveAlone = (watch: Watch): Promise<void> => {
    watch.owner = null;
    watch.found = [];
    // Its silence meanwhile is another's to judge.
    watch.unreachableSinceMs = null;
    return dropLink(watch);
  };

  /** Places that the row does not name: another is the session's, or it has none, or there is no such session. */
  const stopStrays = async (row: PlaceRow | null, found: readonly FoundPlace[]): Promise<void> => {
    const strays = found.filter(({ placeId }) => placeId !== row?.placeId);
    if (strays.length === 0) return;
    // Of a session that does not exist nobody has the lease.
    const owner = row === null ? await leases.owner() : row.fence.owner;
    for (const stray of strays) {
      // One that does not end is found again; the session's own place does not wait for that.
      await steps.stopSuperseded(stray, owner).catch((err: unknown) => {
        log.warn({ err, sessionId: stray.sessionId, placeId: stray.placeId }, 'a place could not be stopped');
      });
    }
  };

  /** Looks at one session; resolves when a look that began after the call is done. */
  const reconcile = async (sessionId: string): Promise<void> => {
    if (closed) return;
    const watch = watchOf(sessionId);
    watch.stale = true;
    watch.looking ??= look(sessionId, watch).finally(() => {
      watch.looking = null;
    });
    await watch.looking;
    if (watch.stale && !closed) await reconcile(sessionId);
  };

  /** As `reconcile`, unless the session is paused after a failure. */
  const nudge = (sessionId: string, watch: Watch): Promise<void> =>
    clock.monotonicMs() < watch.pausedUntilMs ? Promise.resolve() : reconcile(sessionId);

  /** Somebody wants something now: what failed before does not hold it up. */
  const wish = (sessionId: string): void => {
    const watch = watchOf(sessionId);
    watch.failures = 0;
    watch.pausedUntilMs = -Infinity;
    watch.fill = newFill();
    preparation.hurry();
    void reconcile(sessionId);
  };

  const rounds = createRounds({ ...deps, watches, watchOf, claimant, nudge });
  const lookAtAll = (): void => {
    rounds.reconcileAll().catch((err: unknown) => log.warn({ err }, 'sessions could not be looked after'));
  };
  leases.onChange((what) => {
    if (closed) return;
    // Links end at once; what is under way ends at its next act or write.
    if (what === 'lost') for (const watch of watches.values()) void leaveAlone(watch);
    lookAtAll();
  });

  const { attach, dropLink } = createLinks({ ...deps, steps, keeps, quotas, reconcile, nudge });
  const take = createTaking({ ...deps, steps, filling, dropLink });
  const eyes = createEyes({ ...deps, attach, lineOf: steps.lineOf, unprepared, closedQuota: quotas.closed });
  const leave = listenToNews(bus, { watches, wish, lookAtAll });

  const line = createLineWatch({
    store: store.line,
    bus,
    clock,
    log,
    capacity: deps.capacity,
    claimant,
    look: (sessionId) => void nudge(sessionId, watchOf(sessionId)),
  });

  return {
    /** Resolves after the first look at everything. */
    start(): Promise<void> {
      preparation.ahead(needsOf(deps.environment));
      return rounds.start();
    },
    reconcileAll: rounds.reconcileAll,
    reconcile,
    /** Sessions whose agent is linked now. */
    linked: (): string[] =>
      [...watches].filter(([, watch]) => watch.link?.link.isUp() === true).map(([sessionId]) => sessionId),
    /** Places stay; steps under way are finished. */
    async close(): Promise<void> {
      closed = true;
      preparation.close();
      rounds.close();
      await line.close();
      leave();
      await Promise.all(
        [...watches.values()].map(async (watch) => {
          watch.cancelTimer();
          await watch.looking;
          watch.cancelTimer();
          await dropLink(watch);
        }),
      );
    },
  };
};
export type Places = ReturnType<typeof createPlaces>;

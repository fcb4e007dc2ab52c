// Makes the real state of every session equal the wanted one: looks, decides, takes one step, and looks again.
// It is level-triggered: a message only says when to look. It knows drivers and agents through its steps and links.

import type { FoundPlace } from '@remote-claude/compute';

import type { Bus } from '../../platform/bus.js';
import type { Cancel } from '../../platform/clock.js';
import type { PlaceMetrics } from '../../platform/metrics/index.js';
import { StaleFenceError } from '../events/index.js';
import { createAgentLink, type AgentLinkDeps, type LinkTiming } from './agent-link.js';
import { cutOffReason, decide, pauseAfterMs, type Decision, type PlaceTiming } from './decide.js';
import { createCountedSteps } from './counted-steps.js';
import { createCountingDriver } from './counting-driver.js';
import { createFilling } from './filling.js';
import { LeaseLostError } from './guarded-driver.js';
import type { Leases } from './leases.js';
import type { Claimant } from './leases-store.js';
import { createLineWatch } from './line-watch.js';
import { listenToNews } from './news.js';
import { createPatientDriver } from './patient-driver.js';
import { createQuotas, type QuotaLimits } from './quota.js';
import { createEyes } from './sight.js';
import { createSteps, type StepDeps } from './steps.js';
import type { PlaceRow } from './store.js';
import { reasonOf, StepFailure } from './stumble.js';
import { newWatch, type Watch } from './watch.js';

export interface PlacesDeps extends StepDeps, Pick<AgentLinkDeps, 'door' | 'rules'> {
  bus: Bus;
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
const touchEveryMs = 30_000;
/** Disks that are removed at once; the others' turn comes with the next rounds. */
const disksPerRound = 4;

export const createPlaces = (given: PlacesDeps) => {
  const { store, bus, leases, clock, log, timing } = given;
  const patient = createPatientDriver(given.driver, { clock, limitMs: timing.startTimeoutMs });
  const driver = createCountingDriver(patient, given.metrics);
  const deps = { ...given, driver };
  const steps = createCountedSteps(createSteps(deps), deps);
  const filling = createFilling({ ...deps, steps, again: (sessionId) => void reconcile(sessionId) });
  const watches = new Map<string, Watch>();
  const quotas = createQuotas(clock, deps.quota);
  let closed = false;
  let cancelRound: Cancel = () => {};

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

  /** A look writes it down; it is called for each batch, so most find it written. */
  const noteQuota = (sessionId: string, watch: Watch, why: string | null): void => {
    if (why === watch.notKept) return;
    if (why !== null) log.warn({ sessionId, why }, 'what an agent says is not kept for a while');
    watch.notKept = why;
    void nudge(sessionId, watch);
  };

  const ensureLink = async (row: PlaceRow, watch: Watch): Promise<void> => {
    const { sessionId, placeId, doors, fence } = row;
    if (placeId === null || doors === null || watch.link?.placeId === placeId) return;
    await dropLink(watch);
    const link = createAgentLink({
      ...deps,
      sessionId,
      fence,
      onUp: () => void reconcile(sessionId),
      // The place may have gone with its agent: the driver is asked at once.
      onDown: () => void nudge(sessionId, watch),
      onActivity: (idleMs) => touch(sessionId, watch, idleMs),
      quota: quotas.of(sessionId),
      onQuota: (why) => noteQuota(sessionId, watch, why),
    });
    watch.link = { placeId, link };
  };

  const eyes = createEyes({
    driver,
    clock,
    log,
    timing,
    attach,
    lineOf: (sessionId) => steps.lineOf(sessionId),
    closedQuota: quotas.closed,
  });

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
    // What comes to a fork comes to this place and under this lease.
    await watch.filling?.end();
    await link?.close();
  };

  const take = async (row: PlaceRow, decision: Exclude<Decision, { do: 'nothing' }>, watch: Watch): Promise<void> => {
    switch (decision.do) {
      case 'start':
        return steps.start(row, decision.fresh);
      case 'stop':
        // The link stays until the place has ended, so that its last events arrive.
        await steps.stop(row);
        await dropLink(watch);
        return deps.onPlaceEnded();
      case 'remove-disk':
        return steps.removeDisk(row);
      case 'settle':
        return steps.settle(row);
      case 'bury':
        await dropLink(watch);
        await steps.bury(row, decision.reason);
        return deps.onPlaceEnded();
      case 'abandon':
        // Until it has ended its silence goes on: a step that fails is taken again soon.
        await steps.abandon(row, decision.reason);
        await dropLink(watch);
        return deps.onPlaceEnded();
      case 'mark':
        return steps.mark(row, decision.status);
      case 'queue':
        return steps.queue(row, decision);
      case 'tell':
        return steps.tell(row, decision);
      case 'fill':
        return filling.begin(row, watch);
      case 'expire':
        return steps.expire(row);
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
    watch.fill = { failures: 0, pausedUntilMs: -Infinity };
    void reconcile(sessionId);
  };

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

  const lookAtAll = (): void => {
    reconcileAll().catch((err: unknown) => log.warn({ err }, 'sessions could not be looked after'));
  };
  leases.onChange((what) => {
    if (closed) return;
    // Links end at once; what is under way ends at its next act or write.
    if (what === 'lost') for (const watch of watches.values()) void leaveAlone(watch);
    lookAtAll();
  });

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
    start: round,
    reconcileAll,
    reconcile,
    /** Sessions whose agent is linked now. */
    linked: (): string[] =>
      [...watches].filter(([, watch]) => watch.link?.link.isUp() === true).map(([sessionId]) => sessionId),
    /** Places stay; steps under way are finished. */
    async close(): Promise<void> {
      closed = true;
      cancelRound();
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

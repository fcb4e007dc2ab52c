// The session-manager's part of the program: the engine with the sessions' places, its lease on sessions, and what makes them
// as they are wanted.

import type { Driver } from '@remote-claude/compute';
import { shownStatus } from '@remote-claude/contract';
import { totalmem } from 'node:os';
import { join } from 'node:path';

import { createAccessStore, createRights } from '../features/access/index.js';
import {
  createElsewhere,
  createElsewhereStore,
  createLeases,
  createLeasesStore,
  createPlaces,
  createPlacesStore,
} from '../features/places/index.js';
import { createLoneConnection } from '../platform/database/index.js';
import { createPlaceMetrics, watchSessions } from '../platform/metrics/index.js';
import { createRuntimeSweep, prepareRuntime, runtimeFiles } from '../platform/runtime.js';
import { countPlaces } from './count-places.js';
import { createDriver, openCompute } from './compute.js';
import type { Gateway } from './gateway.js';
import { placeCapacity, placeImage, placeLimits, placeTiming } from './place-settings.js';
import { createReadiness } from './readiness.js';
import type { Site } from './site.js';

/** Where the runtime folder is seen inside a place. */
const runtimeTarget = '/opt/remote-claude';

/** Places that are processes share what this process may use at most; others have the machine's. */
const memoryForPlaces = (kind: Driver['kind']): number =>
  kind === 'process' ? Math.min(totalmem(), process.constrainedMemory() || Infinity) : totalmem();

/** What runs places, and what is put into them. */
export const openEngine = async (site: Site) => {
  const { assets, clock, closers, dataDir, log } = site;
  const [compute, runtime] = await Promise.all([
    openCompute(site),
    prepareRuntime({ dataDir: dataDir.path, sources: { ...assets, nodePath: process.execPath } }),
  ]);
  const driver = await createDriver(site, compute);
  closers.add('compute driver', driver, (opened) => opened.close());
  const runtimes = createRuntimeSweep({ current: runtime.folder, driver, log });
  closers.add('runtimes', runtimes, (opened) => opened.close());
  const { reconcileMs, leaseMs } = site.config.timing;
  const elsewhere = createElsewhere({
    ...site,
    store: createElsewhereStore(site.database),
    everyMs: reconcileMs,
    graceMs: 2 * leaseMs,
  });
  closers.add('sessions on other engines', elsewhere, (opened) => opened.close());
  return {
    driver,
    elsewhere,
    runtimes,
    engine: compute.engine,
    predecessor: compute.predecessor,
    /** On this machine, of the version that places are started with now. */
    runtimeFolder: runtime.folder,
    readiness: createReadiness({ driver, clock, warnings: elsewhere.warnings }),
  };
};
export type Engine = Awaited<ReturnType<typeof openEngine>>;

export const createSessionManager = (site: Site, gateway: Gateway, found: Engine) => {
  const { bus, clock, closers, config, connection, database, log, metrics, secrets } = site;
  const { driver, elsewhere, engine, predecessor, runtimes, runtimeFolder } = found;
  const { timing, sessions } = config;
  const leases = createLeases({
    // A query that takes longer would let the lease end.
    store: createLeasesStore(createLoneConnection(connection, timing.leaseRenewMs / 2)),
    predecessor,
    engine,
    bus,
    clock,
    log,
    timing: { leaseMs: timing.leaseMs, renewMs: timing.leaseRenewMs },
  });
  closers.add('leases', leases, (opened) => opened.close());
  const mount = { source: runtimeFolder, target: runtimeTarget };
  const inside = driver.layout('00000000-0000-0000-0000-000000000000').mount(mount);
  const store = createPlacesStore(database);
  const capacity = placeCapacity(config, memoryForPlaces(driver.kind));
  const places = createPlaces({
    ...site,
    driver,
    store,
    leases,
    gateway: gateway.doors,
    door: gateway.door,
    rights: createRights(createAccessStore(database)),
    onPlaceEnded: () => void runtimes.sweep(),
    environment: {
      runtime: {
        mounts: [mount],
        command: [join(inside, runtimeFiles.node), join(inside, runtimeFiles.agent)],
        claudePath: join(inside, runtimeFiles.claude),
        ripgrepPath: join(inside, runtimeFiles.ripgrep),
        nodePath: join(inside, runtimeFiles.node),
        sessionInitPath: join(inside, runtimeFiles.sessionInit),
      },
      settings: {
        orphanTimeoutMs: sessions.orphanTimeoutMs,
        gatewayWaitMs: timing.gatewayWaitMs,
        parkAfterMs: sessions.idleTimeoutMs,
      },
      secrets,
    },
    capacity,
    limitsOf: placeLimits(config, site.resources),
    imageOf: placeImage(site.images),
    timing: placeTiming(config),
    metrics: createPlaceMetrics(metrics),
  });
  watchSessions(metrics, { count: store.countShown, states: shownStatus.options, clock: site.machine });
  metrics
    .gauge({ name: 'places_max', help: 'Places that there may be at once on the engine of this session-manager.' })
    .set(capacity);
  metrics.gauge({
    name: 'agent_links_up',
    help: 'Sessions whose agent is linked to this session-manager now.',
    read: (set) => set(places.linked().length),
  });
  metrics.gauge({
    name: 'lease_held',
    help: 'Whether this session-manager may look after sessions now: 1 or 0.',
    read: (set) => set(leases.isHeld() ? 1 : 0),
  });
  closers.add('session-manager', places, (opened) => opened.close());
  return {
    /** The first look at everything takes as long as it takes; nobody waits for it. */
    start: (): void => {
      void places.start().then(runtimes.sweep);
      elsewhere.start();
    },
    isOwner: leases.isHeld,
    countPlaces: (withinMs: number): Promise<number | null> =>
      countPlaces({ driver, isWanted: async (id) => (await store.find(id))?.wanted === 'running', withinMs }),
  };
};

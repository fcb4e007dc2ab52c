// The session-manager's part of the program: its lease on sessions, and what makes them as they are wanted.

import { join } from 'node:path';

import {
  createLeases,
  createLeasesStore,
  createPlaces,
  createPlacesStore,
  type LeasesDeps,
  type Places,
  type PlacesDeps,
  type PlaceSecrets,
} from '../features/places/index.js';
import type { Closers } from '../platform/closers.js';
import type { Config } from '../platform/config/config.js';
import { createLoneConnection, type DatabaseConnection } from '../platform/database/index.js';
import { runtimeFiles } from '../platform/runtime.js';
import { placeLimits, placeTiming } from './place-settings.js';

/** Where the runtime folder is seen inside a place. */
const runtimeTarget = '/opt/remote-claude';

type Given = 'store' | 'leases' | 'environment' | 'limits' | 'timing';
export interface SessionManagerDeps extends Omit<PlacesDeps, Given>, Pick<LeasesDeps, 'engine' | 'predecessor'> {
  config: Config;
  connection: DatabaseConnection;
  closers: Closers;
  /** On this machine, of the version that places are started with now. */
  runtimeFolder: string;
  secrets: PlaceSecrets;
}

export const createSessionManager = (deps: SessionManagerDeps): Places => {
  const { config, connection, closers, driver, secrets, engine, predecessor, bus, clock, log } = deps;
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
  const mount = { source: deps.runtimeFolder, target: runtimeTarget };
  const inside = driver.layout('00000000-0000-0000-0000-000000000000').mount(mount);
  const places = createPlaces({
    ...deps,
    store: createPlacesStore(deps.database),
    leases,
    environment: {
      runtime: {
        mounts: [mount],
        command: [join(inside, runtimeFiles.node), join(inside, runtimeFiles.agent)],
        claudePath: join(inside, runtimeFiles.claude),
        ripgrepPath: join(inside, runtimeFiles.ripgrep),
        nodePath: join(inside, runtimeFiles.node),
      },
      settings: {
        orphanTimeoutMs: sessions.orphanTimeoutMs,
        gatewayWaitMs: timing.gatewayWaitMs,
        parkAfterMs: sessions.idleTimeoutMs,
      },
      secrets,
    },
    limits: placeLimits(config),
    timing: placeTiming(config),
  });
  return closers.add('session-manager', places, (opened) => opened.close());
};

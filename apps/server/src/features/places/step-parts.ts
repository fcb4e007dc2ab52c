// What the steps of places are made of: what the composition gives them, and what they share. It does nothing.

import type { Driver, PlaceAddresses, PlaceLimits } from '@remote-claude/compute';

import type { Bus } from '../../platform/bus.js';
import type { Clock } from '../../platform/clock.js';
import type { Database } from '../../platform/database/index.js';
import type { Log } from '../../platform/log.js';
import type { Audit } from '../audit/index.js';
import type { Commands, Events } from '../events/index.js';
import type { PlaceTiming } from './decide.js';
import type { EnvironmentDeps } from './environment.js';
import type { Leases } from './leases.js';
import type { Queue } from './place-queue.js';
import type { PlaceRecord } from './place-record.js';
import type { PlacesStore } from './store.js';

/** The way out of a session, which stands before its place needs it. */
export interface GatewayDoors {
  /** The same place twice is once. */
  open(sessionId: string, placeId: string, address: PlaceAddresses['gateway']): Promise<void>;
  close(sessionId: string): Promise<void>;
}

export interface StepDeps {
  database: Database;
  store: PlacesStore;
  events: Events;
  commands: Commands;
  audit: Audit;
  driver: Driver;
  bus: Pick<Bus, 'publishIn'>;
  leases: Pick<Leases, 'isHeldAs' | 'engine'>;
  gateway: GatewayDoors;
  clock: Clock;
  log: Log;
  environment: EnvironmentDeps;
  /** Of the place of a session with this configuration. */
  limitsOf(config: unknown): PlaceLimits;
  /** What the place of a session with this configuration is made of; null for the driver's own. Throws `ComputeError`. */
  imageOf(config: unknown): string | null;
  /** Places that there may be at once on our engine. */
  capacity: number;
  timing: PlaceTiming & { stopGraceMs: number };
}

/** What the steps share. */
export interface StepParts extends StepDeps {
  record: PlaceRecord;
  queue: Queue;
  /** What acts on what was decided under this name. */
  actingAs(owner: string | null): Driver;
}

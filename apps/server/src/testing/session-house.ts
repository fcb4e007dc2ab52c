// The session features composed over a real database and the fake driver, as the session-manager's tests need them.

import { randomUUID } from 'node:crypto';
import type { Driver } from '@remote-claude/compute';
import { createFakeDriver, type FakeOptions } from '@remote-claude/compute/testing';
import type { UserId } from '@remote-claude/contract';

import { createAccessStore, createRights } from '../features/access/index.js';
import { createAudit } from '../features/audit/index.js';
import { createApprovalRules, createRulesStore } from '../features/claude/index.js';
import { createCommands, createEvents, createEventsStore, type Projection } from '../features/events/index.js';
import {
  createLeases,
  createLeasesStore,
  createPlaces,
  createPlacesStore,
  type LeasesDeps,
  type PlacesDeps,
} from '../features/places/index.js';
import { createEntering, createProjectsStore } from '../features/projects/index.js';
import { createAgentDoor, createDoorStore } from '../features/relay/index.js';
import {
  createImageRules,
  createResourceRules,
  createSessions,
  createSessionsStore,
} from '../features/sessions/index.js';
import { createSystemClock } from '../platform/clock.js';
import { createLoneConnection, type Database } from '../platform/database/index.js';
import type { Actor } from '../platform/http/index.js';
import { createPostgresBus } from '../platform/postgres-bus.js';
import { createTestDatabase } from './postgres.js';
import { createSilentLog } from './silent-log.js';

export interface HouseOptions {
  fake?: FakeOptions;
  maxPerUser?: number;
  projections?: (database: Database) => Projection[];
}

export const secretOf = (placeId: string): string => `secret-of-${placeId}`;

/** Quick enough for tests, slow enough for a busy machine. */
export const testTiming: PlacesDeps['timing'] = {
  reconcileMs: 60_000,
  startTimeoutMs: 60_000,
  stableMs: 5_000,
  retryMs: 20,
  longestRetryMs: 60_000,
  maxAttempts: 3,
  deadMs: 25_000,
  unreachableGraceMs: 300_000,
  forkWaitMs: 900_000,
  diskRetentionMs: 30 * 86_400_000,
  maxDurationMs: null,
  warnBeforeMs: 600_000,
  turnGraceMs: 600_000,
  stopGraceMs: 1_000,
  heartbeatMs: 10_000,
  minRetryMs: 20,
  maxRetryMs: 200,
};

export const createSessionHouse = async (options: HouseOptions = {}) => {
  const testDatabase = await createTestDatabase();
  const { database, connection } = testDatabase;
  const log = createSilentLog();
  const clock = createSystemClock();
  const bus = await createPostgresBus({ connection, database, clock, log, heartbeatMs: 5_000 });
  const audit = createAudit();
  const newEvents = () =>
    createEvents({
      database,
      store: createEventsStore(database),
      bus,
      clock,
      log,
      projections: options.projections?.(database) ?? [],
    });
  const events = newEvents();
  const commands = createCommands(database, bus);
  const door = createAgentDoor({ store: createDoorStore(database), secretOf, log });
  const resources = createResourceRules({
    request: { cpus: 1, memoryMb: 1024 },
    limits: { cpus: 2, memoryMb: 2048 },
  });
  const sessions = createSessions({
    projects: createEntering(createProjectsStore(database)),
    door,
    log,
    database,
    store: createSessionsStore(database),
    events,
    commands,
    audit,
    clock,
    images: createImageRules({ driver: 'docker', image: 'usual:1', images: ['team/*'] }),
    rights: createRights(createAccessStore(database)),
    setup: { isolation: 'none', diskRetentionMs: testTiming.diskRetentionMs, resources },
    maxPerUser: options.maxPerUser ?? 1_000,
    requireModel: () => {},
    requireResources: resources.require,
    defaultModel: async () => null,
  });
  const rules = createApprovalRules({ database, store: createRulesStore(database), audit, bus });
  const doors = new Map<string, string>();

  /** All managers of a house follow one another on one engine: a new one knows that the one before is dead. */
  const engine = randomUUID();
  let last: string | null = null;
  const predecessor: LeasesDeps['predecessor'] = {
    read: async () => last,
    write: async (word) => void (last = word),
  };
  const newLeaseStore = () => createLeasesStore(createLoneConnection(connection, 10_000));
  const newLeases = (change: Partial<LeasesDeps> = {}) =>
    createLeases({
      store: newLeaseStore(),
      predecessor,
      engine,
      bus,
      clock,
      log,
      timing: { leaseMs: 60_000, renewMs: 20_000 },
      ...change,
    });

  const newPlaces = (driver: Driver, change: Partial<PlacesDeps> = {}) => {
    const leases = change.leases ?? newLeases();
    const places = createPlaces({
      leases,
      database,
      store: createPlacesStore(database),
      events,
      commands,
      rules,
      audit,
      onPlaceEnded: () => {},
      driver,
      gateway: {
        open: async (sessionId, placeId) => void doors.set(sessionId, placeId),
        close: async (sessionId) => void doors.delete(sessionId),
      },
      door,
      rights: createRights(createAccessStore(database)),
      bus,
      clock,
      log,
      environment: {
        runtime: {
          mounts: [],
          command: ['idle'],
          claudePath: '/opt/claude/claude',
          ripgrepPath: '/opt/rg/rg',
          nodePath: '/opt/node/bin/node',
          sessionInitPath: '/opt/agent/session-init.sh',
        },
        settings: { orphanTimeoutMs: 3_600_000, gatewayWaitMs: 60_000, parkAfterMs: 600_000 },
        secrets: { agent: secretOf, gateway: (placeId) => `gateway-of-${placeId}` },
      },
      capacity: 10_000,
      imageOf: (config) => (config as { image?: string }).image ?? null,
      limitsOf: (config) => {
        const { cpus, memoryMb } = resources.of(config);
        return { cpus, memoryBytes: memoryMb * 2 ** 20, processes: 100, openFiles: 1_000 };
      },
      timing: testTiming,
      ...change,
    });
    const close = async (): Promise<void> => {
      await places.close();
      await leases.close();
    };
    return { ...places, close };
  };

  return {
    testDatabase,
    database,
    bus,
    clock,
    log,
    audit,
    events,
    commands,
    rules,
    sessions,
    door,
    doors,
    newLeaseStore,
    newLeases,
    newPlaces,
    driver: createFakeDriver(options.fake),
    /** A person who is in the database, as they come with a request. */
    async person(name = 'Ada'): Promise<{ actor: Actor; ip: string }> {
      const email = `${name.toLowerCase()}-${randomUUID()}@example.org`;
      const { id } = await database.db
        .insertInto('users')
        .values({ email, name, site_role: 'member' })
        .returning('id')
        .executeTakeFirstOrThrow();
      return {
        actor: { userId: id as UserId, email, name, role: 'member', loginId: randomUUID(), kind: 'cookie' },
        ip: '127.0.0.1',
      };
    },
    async close(): Promise<void> {
      events.close();
      await bus.close();
      await testDatabase.close();
    },
  };
};
export type SessionHouse = Awaited<ReturnType<typeof createSessionHouse>>;

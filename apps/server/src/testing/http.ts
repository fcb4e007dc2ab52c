// A server of a test's own: the real HTTP layer over a real database, driven by inject. Composes only what it is given.

import { createAccess, createAccessStore } from '../features/access/index.js';
import { createAudit } from '../features/audit/index.js';
import { authRoutes, createAttempts, createAuth, createAuthenticate, createAuthStore } from '../features/auth/index.js';
import { createMembers, createMembersStore } from '../features/members/index.js';
import { createSetupToken, createUsers, createUsersStore, userRoutes } from '../features/users/index.js';
import {
  createAddressOf,
  createHttpApp,
  createIdempotency,
  createIdempotencyStore,
  createOrigins,
  createStanding,
  type BoundRoute,
  type HttpAppDeps,
} from '../platform/http/index.js';
import { createLimiter } from '../platform/limiter.js';
import { createPostgresBus } from '../platform/postgres-bus.js';
import { createSystemClock, type Clock } from '../platform/clock.js';
import { createSilentLog } from './silent-log.js';
import type { TestDatabase } from './postgres.js';

export interface TestAppOptions {
  testDatabase: TestDatabase;
  clock: Clock;
  setupTokenPath: string;
  http?: Partial<Pick<HttpAppDeps, 'bodyTiming' | 'ceilings'>>;
  routes?: (parts: { audit: ReturnType<typeof createAudit> }) => BoundRoute[];
}

const origin = 'http://localhost:3000';

export const createTestApp = async ({
  testDatabase,
  clock,
  setupTokenPath,
  http = {},
  routes = () => [],
}: TestAppOptions) => {
  const { database } = testDatabase;
  const log = createSilentLog();
  const bus = await createPostgresBus({ ...testDatabase, clock: createSystemClock(), log, heartbeatMs: 60_000 });
  const origins = createOrigins({ publicUrl: null, trustedOrigins: [], port: () => 3000 });
  const audit = createAudit();
  const auth = createAuth({
    database,
    store: createAuthStore(database),
    audit,
    attempts: createAttempts({ perAddress: 1_000, perAccount: 5, windowMs: 60_000 }),
    bus,
    clock,
    timing: { lifetimeMs: 7 * 86_400_000, rotateAfterMs: 3_600_000, rotationGraceMs: 60_000, ticketMs: 30_000 },
  });
  const access = createAccess({ store: createAccessStore(database), authenticate: createAuthenticate(auth, origins) });
  const setupToken = createSetupToken(setupTokenPath);
  const users = createUsers({ database, store: createUsersStore(database), auth, audit, clock, setupToken });
  const idempotency = createIdempotency({
    store: createIdempotencyStore(database),
    clock,
    log,
    fingerprintKey: Buffer.alloc(32, 1),
    keepMs: 86_400_000,
  });
  const guesses = createLimiter({ name: 'sharing', times: 20, windowMs: 3_600_000 });
  const members = createMembers({ database, store: createMembersStore(database), audit, bus, guesses, access });
  const standing = createStanding({
    clock: createSystemClock(),
    onRevoked: auth.onRevoked,
    onMembersChanged: members.onChanged,
  });
  const app = await createHttpApp({
    clock: createSystemClock(),
    access,
    standing,
    origins,
    idempotency,
    log,
    basePath: '/',
    maxBodyBytes: 100_000,
    addressOf: createAddressOf(() => false),
    isTrusted: () => false,
    ...http,
    routes: [
      ...authRoutes({ auth, access: () => access, origins, userById: users.get }),
      ...userRoutes(users, origins),
      ...routes({ audit }),
    ],
  });

  const inject = (method: string, path: string, options: { headers?: Record<string, string>; body?: unknown } = {}) =>
    app.inject({
      method: method as 'GET',
      url: `/api${path}`,
      headers: { host: 'localhost:3000', origin, ...options.headers },
      ...(options.body === undefined ? {} : { payload: options.body as Record<string, unknown> }),
    });

  return {
    app,
    auth,
    users,
    members,
    idempotency,
    setupToken,
    inject,
    async close() {
      await app.close();
      standing.close();
      await bus.close();
    },
  };
};
export type TestApp = Awaited<ReturnType<typeof createTestApp>>;

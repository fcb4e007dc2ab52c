// The api's part of the program: who may do what, the routes, and the sockets of pages and programs. Nothing in it is lacking
// in another replica.

import type { FastifyInstance } from 'fastify';
import { join } from 'node:path';

import { aboutRoutes, createAbout } from '../features/about/index.js';
import { createAccess, createAccessStore, createRights } from '../features/access/index.js';
import { authRoutes, createAttempts, createAuth, createAuthenticate, createAuthStore } from '../features/auth/index.js';
import { checkpointRoutes, createCheckpoints } from '../features/checkpoints/index.js';
import { claudeRoutes, createClaude } from '../features/claude/index.js';
import { createFiles, fileRoutes } from '../features/files/index.js';
import { createHub, createSummaries } from '../features/live/index.js';
import { createMembers, createMembersStore, membersRoutes } from '../features/members/index.js';
import { createEntering, createProjects, createProjectsStore, projectRoutes } from '../features/projects/index.js';
import { createSessions, createSessionsStore, sessionsRoutes } from '../features/sessions/index.js';
import { settingsRoutes } from '../features/settings/index.js';
import { createTasks, taskRoutes } from '../features/tasks/index.js';
import { createSetupToken, createUsers, createUsersStore, userRoutes } from '../features/users/index.js';
import {
  acceptUpgrades,
  createIdempotency,
  createIdempotencyStore,
  createStanding,
  under,
  type Access,
  type AddressOf,
  type Trust,
  type Origins,
} from '../platform/http/index.js';
import { createLimiter } from '../platform/limiter.js';
import { watchSockets, type HttpMetrics } from '../platform/metrics/index.js';
import type { Gateway } from './gateway.js';
import { createNotices } from './notices.js';
import { linkTiming, placeIsolation } from './place-settings.js';
import type { Readiness } from './readiness.js';
import type { Site } from './site.js';
import { createSocketActions } from './socket-actions.js';

export interface ApiDeps {
  site: Site;
  gateway: Gateway;
  origins: Origins;
  addressOf: AddressOf;
  isTrusted: Trust;
  /** What keeps sessions from starting, wherever they are started. */
  readiness(): Promise<Readiness>;
  /** Counts what it refuses. */
  http: HttpMetrics;
}

const productName = 'Remote Claude';
const minuteMs = 60_000;

export const createApi = ({ site, gateway, origins, addressOf, isTrusted, readiness, http }: ApiDeps) => {
  const { audit, bus, clock, closers, commands, config, database, events, log, models, rules } = site;
  const { timing, server } = config;
  const { door, upstreams } = gateway;

  // Who may do what, and who is asking.
  const auth = createAuth({
    database,
    store: createAuthStore(database),
    audit,
    attempts: createAttempts({ ...config.auth.attempts }, site.counters),
    bus,
    clock,
    timing: {
      lifetimeMs: config.auth.lifetimeMs,
      rotateAfterMs: config.auth.rotateAfterMs,
      rotationGraceMs: timing.rotationGraceMs,
      ticketMs: timing.ticketMs,
    },
  });
  const access: Access = createAccess({
    store: createAccessStore(database),
    authenticate: createAuthenticate(auth, origins),
  });
  const setupToken = createSetupToken(join(site.dataDir.path, 'setup-token'));
  const users = createUsers({ database, store: createUsersStore(database), auth, audit, clock, setupToken });

  // Sessions, and what people want of them.
  const guesses = createLimiter({ name: 'sharing', times: 20, windowMs: 60 * minuteMs }, site.counters);
  const members = createMembers({ database, store: createMembersStore(database), audit, bus, guesses, access });
  const projectsStore = createProjectsStore(database);
  const projects = createProjects({
    database,
    store: projectsStore,
    audit,
    bus,
    clock,
    guesses,
    requireModel: models.require,
    onPassedOn: rules.changed,
  });
  const sessions = createSessions({
    database,
    store: createSessionsStore(database),
    events,
    commands,
    audit,
    clock,
    door,
    projects: createEntering(projectsStore),
    log,
    images: site.images,
    rights: createRights(createAccessStore(database)),
    setup: {
      isolation: placeIsolation(config),
      diskRetentionMs: config.retention.sessionsMs,
      resources: site.resources,
    },
    maxPerUser: config.sessions.maxPerUser,
    requireModel: models.require,
    requireResources: site.resources.require,
    defaultModel: upstreams.defaultModel,
  });
  const claude = createClaude({
    database,
    store: site.claudeStore,
    events,
    commands,
    rules,
    audit,
    clock,
    requireModel: models.require,
    maxWaitMs: 10 * minuteMs,
  });
  const tasks = createTasks({ database, store: site.tasksStore, events, commands, claude, audit, access, clock });
  const files = createFiles({ door, audit, database, maxUploadBytes: server.maxUploadBytes });

  // What browsers and programs reach.
  const about = createAbout({
    name: productName,
    version: site.assets.version,
    isolation: placeIsolation(config),
    models: models.allowed,
    resources: { usual: site.resources.usual, most: site.resources.most },
    images: site.images.shown,
    setupNeeded: users.setupNeeded,
    // A gateway that is away is said among the problems, and a key that is not seen is not called missing.
    modelSource: () => upstreams.source().catch(() => 'configuration' as const),
    readiness,
  });
  const idempotency = createIdempotency({
    store: createIdempotencyStore(database),
    clock,
    log,
    fingerprintKey: site.secretBox.derive('idempotency'),
    keepMs: timing.idempotencyMs,
  });
  const standing = createStanding({ clock, onRevoked: auth.onRevoked, onMembersChanged: members.onChanged });
  closers.add('news of rights', standing, (opened) => opened.close());

  return {
    access,
    standing,
    idempotency,
    routes: [
      ...aboutRoutes(about),
      ...authRoutes({ auth, access: () => access, origins, userById: users.get }),
      ...userRoutes(users, origins),
      ...sessionsRoutes(sessions),
      ...membersRoutes(members),
      ...projectRoutes(projects, rules),
      ...claudeRoutes(claude, rules),
      ...checkpointRoutes(createCheckpoints({ database, door, events, claude })),
      ...taskRoutes(tasks),
      ...fileRoutes(files, server.basePath),
      ...settingsRoutes(upstreams),
    ],

    /** The sockets, on the server that has the routes. */
    openSockets(app: FastifyInstance): { drain(): void } {
      const hub = createHub({
        events,
        door,
        clock,
        log,
        timing: linkTiming(config),
        standing,
        permissionsNow: access.sessionPermissions,
        actions: createSocketActions({ claude, audit, database }),
        onRefused: (code) => http.refused(code, 'socket'),
      });
      closers.add('session sockets', hub, (opened) => opened.close());
      const summaries = closers.add(
        'session summaries',
        createSummaries({ bus, clock, read: sessions.get, readers: members.readers, everyMs: 100 }),
        (opened) => opened.close(),
      );
      const noticesPath = under(server.basePath, '/socket.io');
      const notices = createNotices({
        server: app.server,
        access,
        origins,
        path: noticesPath,
        onSession: summaries.subscribe,
        onRevoked: auth.onRevoked,
      });
      closers.add('notices', notices, (opened) => opened.close());
      const upgrades = acceptUpgrades({
        server: app.server,
        access,
        origins,
        addressOf,
        isTrusted,
        log,
        logContext: site.logContext,
        basePath: server.basePath,
        redeemTicket: auth.redeemTicket,
        onSocket: hub.onSocket,
        foreignPath: noticesPath,
        onRefused: (code) => http.refused(code, 'upgrade'),
      });
      watchSockets(site.metrics, { count: hub.countByKind, notices: notices.count });
      closers.add('socket upgrades', upgrades, (opened) => opened.close(timing.drainMs / 10));
      return hub;
    },

    /** Removes now and then what has expired. */
    startCleanUp(): void {
      const sweep = setInterval(() => {
        auth.sweep().catch((err: unknown) => log.warn({ err }, 'old sign-ins could not be removed'));
        idempotency.sweep().catch((err: unknown) => log.warn({ err }, 'old answers could not be removed'));
      }, timing.cleanupMs);
      closers.add('clean-up', sweep, clearInterval);
    },

    /** The path of the one-time link of the first run, its token in the fragment; null once there is an admin. */
    setupPath: async (): Promise<string | null> =>
      (await users.setupNeeded()) ? `/setup/#token=${await setupToken.ensure()}` : null,
  };
};
export type Api = ReturnType<typeof createApi>;

// The composition: everything that the server is, built once, in this order. What is built is closed in reverse.

import { createProcessDriver } from '@remote-claude/compute';
import { join } from 'node:path';

import { createAbout, aboutRoutes } from './features/about/index.js';
import { createAccess, createAccessStore } from './features/access/index.js';
import { createAudit } from './features/audit/index.js';
import { authRoutes, createAttempts, createAuth, createAuthenticate, createAuthStore } from './features/auth/index.js';
import { checkpointRoutes, createCheckpoints } from './features/checkpoints/index.js';
import { claudeRoutes, createApprovalProjection, createApprovalRules } from './features/claude/index.js';
import { createClaude, createClaudeStore, createRulesStore } from './features/claude/index.js';
import { createCommands, createEvents, createEventsStore } from './features/events/index.js';
import { createFiles, fileRoutes } from './features/files/index.js';
import {
  createDemoModel,
  createDoors,
  createForwarder,
  createModelRules,
  createGatewayStore,
  createSessionCall,
  createUpstreams,
} from './features/gateway/index.js';
import { createHub, createSummaries } from './features/live/index.js';
import { createMembers, createMembersStore, membersRoutes } from './features/members/index.js';
import { createPlaceSecrets } from './features/places/index.js';
import { createAgentDoor, createDoorStore } from './features/relay/index.js';
import { createSessions, createSessionsStore, sessionsRoutes } from './features/sessions/index.js';
import { settingsRoutes } from './features/settings/index.js';
import { createTaskProjection, createTasks, createTasksStore, taskRoutes } from './features/tasks/index.js';
import { createSetupToken, createUsers, createUsersStore, userRoutes } from './features/users/index.js';
import { createSystemClock } from './platform/clock.js';
import { processChildEnv, type Config } from './platform/config/config.js';
import { createLimiter } from './platform/limiter.js';
import { createConsoleLog } from './platform/log.js';
import {
  acceptUpgrades,
  closeInTime,
  createAddressOf,
  createHttpApp,
  createIdempotency,
  createIdempotencyStore,
  createOrigins,
  under,
  type Access,
} from './platform/http/index.js';
import { preparePageFiles } from './platform/page-files.js';
import { createRuntimeSweep, prepareRuntime } from './platform/runtime.js';
import { createClosers, type Closers } from './platform/closers.js';
import { listen } from './platform/http/listen.js';
import { countPlaces } from './roles/count-places.js';
import { createReadiness } from './roles/readiness.js';
import { registerHealth } from './roles/health.js';
import { createNotices } from './roles/notices.js';
import { linkTiming } from './roles/place-settings.js';
import { createSessionManager } from './roles/session-manager.js';
import { createSocketActions } from './roles/socket-actions.js';
import { openStorage } from './roles/storage.js';
import { registerWeb } from './roles/web.js';

/** Built parts that the server serves, starts or copies; found by whoever starts it. */
export interface ServerAssets {
  version: string;
  agentDir: string;
  webDir: string;
  scriptedModel: string;
  claudePath: string;
  ripgrepPath: string;
}

export interface RunningServer {
  url: string;
  /** The one-time link of the first run; null once there is an admin. */
  setupUrl: string | null;
  /** What keeps sessions from starting and what to mind; trying the engine takes a moment. */
  warnings(): Promise<string[]>;
  /** Within `timing.drain`. Places stay; says how many, null where the engine did not say in time. */
  close(): Promise<{ placesLeft: number | null }>;
}

const productName = 'Remote Claude';
const minuteMs = 60_000;

export const startServer = async ({
  config,
  assets,
}: {
  config: Config;
  assets: ServerAssets;
}): Promise<RunningServer> => {
  const closers = createClosers();
  try {
    return await compose(config, assets, closers);
  } catch (error) {
    await closers.closeAll({ withinMs: config.timing.drainMs, log: null }).catch(() => {});
    throw error;
  }
};

const compose = async (config: Config, assets: ServerAssets, closers: Closers): Promise<RunningServer> => {
  const { timing, server } = config;
  const log = createConsoleLog(config.monitoring.logging.level, process.stderr);
  const childEnv = processChildEnv();

  const { dataDir, computeDir, connection, engine, predecessor, database, clock, bus, counters, secretBox } =
    await openStorage({
      config,
      childEnv,
      machine: createSystemClock(),
      log,
      closers,
    });
  const [runtime, pageFiles] = await Promise.all([
    prepareRuntime({ dataDir: dataDir.path, sources: { ...assets, nodePath: process.execPath } }),
    preparePageFiles({ outDir: assets.webDir, cacheDir: join(dataDir.path, 'page'), basePath: server.basePath }),
  ]);
  const driver = createProcessDriver({
    dataDir: computeDir.path,
    runDir: computeDir.runDir,
    isolation: config.compute.isolation,
    uidRange: config.compute.uidRange,
    childEnv,
  });
  closers.add('compute driver', driver, (opened) => opened.close());
  const readiness = createReadiness({ driver, clock });
  const runtimes = createRuntimeSweep({ current: runtime.folder, driver, log });
  closers.add('runtimes', runtimes, (opened) => opened.close());

  // Who may do what, and who is asking.
  let port = server.port;
  const origins = createOrigins({
    publicUrl: server.publicUrl,
    trustedOrigins: server.trustedOrigins,
    port: () => port,
  });
  const audit = createAudit();
  const auth = createAuth({
    database,
    store: createAuthStore(database),
    audit,
    attempts: createAttempts({ ...config.auth.attempts }, counters),
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
  const setupToken = createSetupToken(join(dataDir.path, 'setup-token'));
  const users = createUsers({ database, store: createUsersStore(database), auth, audit, clock, setupToken });

  // Sessions: their log, what people want of them, and how an agent is reached.
  const models = createModelRules(config.claude.models);
  const claudeStore = createClaudeStore(database);
  const tasksStore = createTasksStore(database);
  const commands = createCommands(database, bus);
  const events = createEvents({
    database,
    store: createEventsStore(database),
    bus,
    clock,
    log,
    projections: [createApprovalProjection(claudeStore), createTaskProjection(tasksStore)],
  });
  closers.add('event log', events, (opened) => opened.close());
  const members = createMembers({
    database,
    store: createMembersStore(database),
    audit,
    bus,
    guesses: createLimiter({ name: 'sharing', times: 20, windowMs: 60 * minuteMs }, counters),
  });
  const sessions = createSessions({
    database,
    store: createSessionsStore(database),
    events,
    audit,
    clock,
    setup: { isolation: driver.isolation, diskRetentionMs: config.retention.sessionsMs },
    maxPerUser: config.sessions.maxPerUser,
    requireModel: models.require,
    defaultModel: () => upstreams.defaultModel(),
  });
  const secrets = createPlaceSecrets(secretBox.derive);
  const door = createAgentDoor({
    store: createDoorStore(database),
    secretOf: secrets.agent,
    log,
    timeoutMs: timing.agentConnectMs,
  });
  const rules = createApprovalRules({ database, store: createRulesStore(database), audit, bus });
  const claude = createClaude({
    database,
    store: claudeStore,
    events,
    commands,
    rules,
    audit,
    clock,
    requireModel: models.require,
    maxWaitMs: 10 * minuteMs,
  });
  const tasks = createTasks({ database, store: tasksStore, events, commands, claude, audit, access, clock });
  const files = createFiles({ door, audit, database, maxUploadBytes: server.maxUploadBytes });

  // The gateway: the sessions' only way out.
  const gatewayStore = createGatewayStore(database);
  const demo = createDemoModel({
    command: [process.execPath, assets.scriptedModel, '--script', 'demo', '--until-stdin-ends'],
    env: childEnv,
    startTimeoutMs: 20_000,
    log,
  });
  closers.add('demo model', demo, (opened) => opened.close());
  const upstreams = createUpstreams({
    database,
    store: gatewayStore,
    secretBox,
    bus,
    audit,
    demo,
    configured: { apiKey: config.claude.apiKey, baseUrl: config.claude.baseUrl, model: config.claude.model },
    models,
  });
  closers.add('model upstreams', upstreams, (opened) => opened.close());
  const forwarder = closers.add('model calls', createForwarder(), (opened) => opened.close());
  const doors = createDoors({
    tokenOf: secrets.gateway,
    call: createSessionCall({
      database,
      store: gatewayStore,
      upstreams,
      forwarder,
      models,
      async appendEvent(trx, sessionId, event, source) {
        await events.append(sessionId, [{ source, n: 1, event }], { by: 'server' }, trx);
      },
      log,
    }),
    log,
  });
  closers.add("sessions' gateway", doors, (opened) => opened.closeAll());

  // The session-manager: makes what is wanted so.
  const places = createSessionManager({
    config,
    connection,
    closers,
    engine,
    predecessor,
    runtimeFolder: runtime.folder,
    secrets,
    database,
    events,
    commands,
    rules,
    audit,
    onPlaceEnded: () => void runtimes.sweep(),
    driver,
    gateway: doors,
    door,
    bus,
    clock,
    log,
  });

  // What browsers and programs reach.
  const about = createAbout({
    name: productName,
    version: assets.version,
    isolation: driver.isolation,
    models: models.allowed,
    setupNeeded: users.setupNeeded,
    modelSource: upstreams.source,
    readiness,
  });
  const idempotency = createIdempotency({
    store: createIdempotencyStore(database),
    clock,
    log,
    fingerprintKey: secretBox.derive('idempotency'),
    keepMs: timing.idempotencyMs,
  });
  const addressOf = createAddressOf(server.trustedProxies);
  const app = await createHttpApp({
    clock,
    access,
    origins,
    idempotency,
    log,
    basePath: server.basePath,
    maxBodyBytes: server.maxBodyBytes,
    addressOf,
    routes: [
      ...aboutRoutes(about),
      ...authRoutes({ auth, access: () => access, origins, userById: users.get }),
      ...userRoutes(users, origins),
      ...sessionsRoutes(sessions),
      ...membersRoutes(members),
      ...claudeRoutes(claude, rules),
      ...checkpointRoutes(createCheckpoints({ database, door, events, claude })),
      ...taskRoutes(tasks),
      ...fileRoutes(files, server.basePath),
      ...settingsRoutes(upstreams),
    ],
  });
  // A third for requests under way, a tenth for viewers to take their leave, the rest for all else.
  closers.add('HTTP server', closeInTime(app), (close) => close(timing.drainMs / 3));
  const health = registerHealth({ app, basePath: server.basePath, version: assets.version, ping: database.ping });
  await registerWeb({ app, files: pageFiles, basePath: server.basePath });
  const hub = createHub({
    events,
    door,
    clock,
    log,
    timing: linkTiming(config),
    onRevoked: auth.onRevoked,
    onMembersChanged: members.onChanged,
    permissionsNow: access.sessionPermissions,
    actions: createSocketActions({ claude, audit, database }),
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
    log,
    basePath: server.basePath,
    redeemTicket: auth.redeemTicket,
    onSocket: hub.onSocket,
    foreignPath: noticesPath,
  });
  closers.add('socket upgrades', upgrades, (opened) => opened.close(timing.drainMs / 10));

  await app.ready();
  port = await listen(app, server.host, server.port);
  // The first look at everything takes as long as it takes; nobody waits for it.
  void places.start().then(runtimes.sweep);
  const sweep = setInterval(() => {
    auth.sweep().catch((err: unknown) => log.warn({ err }, 'old sign-ins could not be removed'));
    idempotency.sweep().catch((err: unknown) => log.warn({ err }, 'old answers could not be removed'));
  }, timing.cleanupMs);
  closers.add('clean-up', sweep, clearInterval);

  const url = origins.shown + (server.basePath === '/' ? '' : server.basePath);
  return {
    url,
    setupUrl: (await users.setupNeeded()) ? `${url}/setup/#token=${await setupToken.ensure()}` : null,
    async warnings() {
      const { problems, warnings } = await readiness();
      return [...problems.map(({ what, mend }) => `${what} ${mend}`), ...warnings];
    },
    async close() {
      health.drain();
      hub.drain();
      const isWanted = async (id: string): Promise<boolean> => (await sessions.get(id)).wanted === 'running';
      const counted = countPlaces({ driver, isWanted, withinMs: timing.drainMs / 10 });
      await closers.closeAll({ withinMs: timing.drainMs, log });
      return { placesLeft: await counted };
    },
  };
};

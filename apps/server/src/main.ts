// The composition: everything that a process is, built once, in this order, by the roles that it plays. What is built is
// closed in reverse.

import { join } from 'node:path';

import type { Config } from './platform/config/config.js';
import { createAddressOf, createOrigins, createTrust, listen } from './platform/http/index.js';
import { createHttpMetrics } from './platform/metrics/index.js';
import { preparePageFiles } from './platform/page-files.js';
import { createClosers, type Closers } from './platform/closers.js';
import { createApi } from './roles/api.js';
import { openApiWay } from './roles/api-way.js';
import { openBase, type ServerAssets } from './roles/base.js';
import { createFront } from './roles/front.js';
import { createGateway, reachGateway, type Gateway } from './roles/gateway.js';
import { registerHealth } from './roles/health.js';
import { answers, openInternal, type Role } from './roles/internal.js';
import { createLooks, lookFor, lookForEngines } from './roles/looks.js';
import { registerMetrics } from './roles/metrics.js';
import { createSeen } from './roles/seen.js';
import { askReadiness, awayProblem, createReadinessService, type Readiness } from './roles/readiness.js';
import { createSessionManager, openEngine } from './roles/session-manager.js';
import { openSite } from './roles/site.js';

export type { ServerAssets } from './roles/base.js';

export interface RunningServer {
  roles: readonly Role[];
  /** What people open. */
  url: string;
  /** Where this very process is; one without web and api answers nothing there but how it is. */
  ownUrl: string;
  /** Where roles in other processes reach it; null where none does. */
  internalUrl: string | null;
  /** The one-time link of the first run; null once there is an admin, or where another process has the api. */
  setupUrl: string | null;
  /** What keeps sessions from starting and what to mind; trying the engine takes a moment. */
  warnings(): Promise<string[]>;
  /** Within `timing.drain`. Places stay; says how many, null where the engine did not say in time or is not ours. */
  close(): Promise<{ placesLeft: number | null }>;
}

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

/** All roles in one process, and each of them apart. */
const defaultPorts: Readonly<Record<Role, number>> = { web: 3000, api: 4000, 'session-manager': 4001, gateway: 4002 };

const compose = async (config: Config, assets: ServerAssets, closers: Closers): Promise<RunningServer> => {
  const { server, timing } = config;
  const { basePath, roles } = server;
  const has = (role: Role): boolean => roles.includes(role);
  const base = await openBase(config, assets, closers);
  const { dataDir, log, metrics } = base;
  const http = createHttpMetrics(metrics);

  // The database and what all but the web know of sessions; then what takes time to prepare, at once.
  const site = roles.some((role) => role !== 'web') ? await openSite(base) : null;
  const [pageFiles, engine] = await Promise.all([
    has('web') ? preparePageFiles({ outDir: assets.webDir, cacheDir: join(dataDir.path, 'page'), basePath }) : null,
    site !== null && has('session-manager') ? openEngine(site) : null,
  ]);
  const internal = site === null ? null : await openInternal(site, http);

  // The gateway: the door to the agents, and the sessions' only way out.
  const ownGateway = site !== null && has('gateway') ? createGateway(site) : null;
  const gateway: Gateway | null =
    site !== null && internal?.gateway ? reachGateway(internal.gateway, site) : ownGateway;

  // The session-manager: makes what is wanted so.
  const manager =
    site !== null && engine !== null && gateway !== null ? createSessionManager(site, gateway, engine) : null;

  // What browsers and programs reach.
  let port = server.port ?? Math.min(...roles.map((role) => defaultPorts[role]));
  const origins = createOrigins({
    publicUrl: server.publicUrl,
    trustedOrigins: server.trustedOrigins,
    port: () => port,
  });
  const isTrusted = createTrust(server.trustedProxies);
  const addressOf = createAddressOf(isTrusted);
  const readiness = async (): Promise<Readiness> => {
    const [found, isGatewayThere] = await Promise.all([
      engine?.readiness() ?? (internal?.manager ? askReadiness(internal.manager) : { problems: [], warnings: [] }),
      internal?.gateway ? answers(internal.gateway) : true,
    ]);
    if (isGatewayThere) return found;
    const gone = awayProblem('gateway', 'Sessions cannot be reached, and Claude there cannot reach its model.');
    return { ...found, problems: [...found.problems, gone] };
  };
  const api =
    site !== null && gateway !== null && has('api')
      ? createApi({ site, gateway, origins, addressOf, isTrusted, readiness, http })
      : null;
  const app = await createFront({ base, api, pageFiles, origins, addressOf, isTrusted, http });
  registerMetrics({ app, config, registry: metrics });
  const { apiUrl } = server;
  const apiWay =
    has('web') && api === null && apiUrl !== null ? await openApiWay({ base, app, apiUrl, isTrusted }) : null;
  const looks = site === null ? null : createLooks(site);
  const health = registerHealth({
    app,
    basePath,
    roles: {
      ...(has('web') && { web: async () => [] }),
      ...(api && looks && { api: looks.database }),
      ...(manager && looks && { 'session-manager': looks.lease(manager.isOwner) }),
      ...(ownGateway && looks && { gateway: looks.database }),
    },
    reaches: {
      ...(apiWay && { api: lookFor('api', apiWay.answers) }),
      ...(internal?.gateway && { gateway: lookFor('gateway', answers.bind(null, internal.gateway)) }),
      ...(internal?.manager && { 'session-manager': lookFor('session-manager', answers.bind(null, internal.manager)) }),
    },
    helpers: [...(looks?.helpers ?? []), ...(engine === null ? [] : [lookForEngines(engine.elsewhere.isAway)])],
    seen: createSeen({ token: config.monitoring.metrics.token, addressOf, isTrusted }),
  });
  const sockets = api?.openSockets(app);

  await app.ready();
  port = await listen(app, server.host, port);
  const inside = await internal?.listen({
    ...ownGateway?.services,
    ...(engine && { readiness: createReadinessService(engine.readiness) }),
  });
  if (manager === null) ownGateway?.keepDoors();
  manager?.start();
  api?.startCleanUp();
  log.info({ roles }, 'this process has started');

  const prefix = basePath === '/' ? '' : basePath;
  const url = origins.shown + prefix;
  const setupPath = (await api?.setupPath()) ?? null;
  return {
    roles,
    url,
    ownUrl: `http://localhost:${port}${prefix}`,
    internalUrl: inside?.url ?? null,
    setupUrl: setupPath === null ? null : url + setupPath,
    async warnings() {
      if (engine === null && api === null) return [];
      const { problems, warnings } = await readiness();
      return [...problems.map(({ what, mend }) => `${what} ${mend}`), ...warnings];
    },
    async close() {
      health.drain();
      sockets?.drain();
      apiWay?.drain();
      const counted = manager?.countPlaces(timing.drainMs / 10) ?? null;
      await closers.closeAll({ withinMs: timing.drainMs, log });
      return { placesLeft: await counted };
    },
  };
};

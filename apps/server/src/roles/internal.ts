// How roles in other processes are reached, and how they reach this one.

import { z } from 'zod';

import type { Config } from '../platform/config/config.js';
import {
  createPeer,
  loadCredentials,
  openInternalPort,
  type InternalService,
  type Peer,
} from '../platform/internal/index.js';
import type { HttpMetrics } from '../platform/metrics/index.js';
import type { Site } from './site.js';

export type Role = Config['server']['roles'][number];
const working: readonly Role[] = ['api', 'session-manager', 'gateway'];

export interface Internal {
  gateway: Peer | null;
  manager: Peer | null;
  /** Listens for roles in other processes; null where nobody asks this one. */
  listen(services: Record<string, InternalService>): Promise<{ url: string } | null>;
}

/** Whether roles that work on the database are in several processes. */
const isApart = (roles: readonly Role[]): boolean => {
  const here = working.filter((role) => roles.includes(role));
  return here.length > 0 && here.length < working.length;
};

const health: InternalService = {
  async request(_path, _request, response) {
    response.writeHead(200, { 'content-type': 'application/json' }).end('null');
  },
};

export const openInternal = async (
  { closers, config, log, logContext, secretBox }: Site,
  http: HttpMetrics,
): Promise<Internal> => {
  const { internal, roles } = config.server;
  if (!isApart(roles)) return { gateway: null, manager: null, listen: async () => null };
  const { credentials, named } = await loadCredentials(internal, { derive: secretBox.derive, roles });
  /** The way to a role that one of these needs and that is not here. */
  const reach = (role: Role, url: string | null, needy: readonly Role[]): Peer | null =>
    url === null || roles.includes(role) || !needy.some((other) => roles.includes(other))
      ? null
      : closers.add(
          `way to the ${role}`,
          createPeer({ role, url, credentials, named, timeoutMs: config.timing.agentConnectMs, logContext }),
          (opened) => opened.close(),
        );
  return {
    gateway: reach('gateway', internal.gatewayUrl, ['api', 'session-manager']),
    manager: reach('session-manager', internal.sessionManagerUrl, ['api']),
    async listen(services) {
      if (Object.keys(services).length === 0) return null;
      const { host, port } = internal;
      const opened = await openInternalPort({
        host,
        port,
        credentials,
        services: { ...services, health },
        log,
        logContext,
        onRefused: (code) => http.refused(code, 'internal'),
      });
      return closers.add('internal port', opened, ({ close }) => close());
    },
  };
};

const healthMs = 1_500;

export const answers = (peer: Peer): Promise<boolean> =>
  peer.ask({ method: 'GET', path: '/health', withinMs: healthMs }, z.null()).then(
    () => true,
    () => false,
  );

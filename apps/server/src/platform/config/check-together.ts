// Rules over several keys. Each is checked where its sections could be read, whatever is wrong elsewhere.

import type { Problem } from './problems.js';
import type { Parsed, Role } from './schema.js';

type Refuse = (path: string, what: string, mend: string) => void;

/** Those that work on the database. */
const workingRoles: readonly Role[] = ['api', 'session-manager', 'gateway'];
/** Which role is reached by which key, and by whom. */
const ways = [
  ['gatewayUrl', 'gateway', ['api', 'session-manager']],
  ['sessionManagerUrl', 'session-manager', ['api']],
] as const satisfies readonly (readonly [keyof Parsed['server']['internal'], Role, readonly Role[]])[];

export function checkTogether(parsed: Partial<Parsed>, problems: Problem[]): void {
  const { server, compute, claude, database, timing, auth, security, monitoring } = parsed;
  const refuse: Refuse = (path, what, mend) => void problems.push({ path, what, mend });

  if (server !== undefined && compute?.isolation === 'none' && !isLoopback(server.host)) {
    refuse(
      'compute.isolation',
      `is none while server.host is ${server.host}`,
      'Without isolation sessions can do what this server can: set server.host to 127.0.0.1, or compute.isolation to bubblewrap.',
    );
  }
  if (server !== undefined)
    checkCertificate(
      'server.internal',
      server.internal,
      refuse,
      'Give all three, or none: then they are made from the master key.',
    );
  if (server?.apiUrl && new URL(server.apiUrl).href !== `${new URL(server.apiUrl).origin}/`)
    refuse(
      'server.apiUrl',
      'is more than a scheme, a host and a port',
      'Leave out the rest: what lies below /api is sent on as it is, with server.basePath before it.',
    );
  if (compute !== undefined)
    checkCertificate(
      'compute.docker',
      compute.docker,
      refuse,
      'Give all three, or none: then the engine is on this machine.',
    );
  if (server !== undefined && database !== undefined && security !== undefined) {
    const has = (role: Role): boolean => server.roles.includes(role);
    const working = workingRoles.filter(has);
    const apart = working.length > 0 && working.length < workingRoles.length;
    const which = `this process has the ${working.join(' and the ')} without the ${workingRoles.filter((role) => !has(role)).join(' and the ')}`;
    if (apart && database.url === null)
      refuse(
        'database.url',
        `is not set, and ${which}`,
        'Roles in processes of their own share one PostgreSQL: name it.',
      );
    if (apart && security.masterKey === null)
      refuse(
        'security.masterKey',
        `is not set, and ${which}`,
        'Roles in processes of their own share one key: give all the same.',
      );
    if (has('api') && !has('web') && server.publicUrl === null)
      refuse(
        'server.publicUrl',
        'is not set, and this process has the api without the web',
        'Name the address at which people reach both: the page and /api, /socket.io below it.',
      );
    for (const [key, needed, by] of ways) {
      const needy = by.filter(has);
      if (needy.length > 0 && !has(needed) && server.internal[key] === null)
        refuse(
          `server.internal.${key}`,
          `is not set, and the ${needy.join(' and the ')} cannot do without the ${needed}`,
          `Name the internal port of the process that has it, or add ${needed} to server.roles.`,
        );
    }
  }
  if (claude !== undefined && claude.models.length > 0 && !claude.models.includes(claude.model)) {
    refuse(
      'claude.model',
      `is ${claude.model}, which claude.models does not list`,
      'Add it to claude.models, or choose one of those.',
    );
  }
  for (const key of ['cpus', 'memoryMb'] as const) {
    if (compute === undefined || (compute.request[key] ?? 0) <= compute.limits[key]) continue;
    refuse(`compute.request.${key}`, `is more than compute.limits.${key}`, 'Lower the one or raise the other.');
  }
  if (monitoring !== undefined) checkLogFile(monitoring.logging, refuse);
  if (compute !== undefined && database !== undefined) {
    const { first, count } = compute.uidRange;
    if (database.embeddedUid >= first && database.embeddedUid < first + count) {
      refuse('database.embeddedUid', 'lies in compute.uidRange', 'Choose a user id that no session can get.');
    }
    if (first + count > 2 ** 31) refuse('compute.uidRange', 'passes the largest user id', 'Lower first or count.');
  }
  if (timing !== undefined) {
    const inOrder = [
      ['leaseRenew', 'lease'],
      ['heartbeat', 'heartbeatTimeout'],
      ['heartbeatTimeout', 'unreachableGrace'],
      ['retryMin', 'retryMax'],
    ] as const;
    for (const [shorter, longer] of inOrder) {
      if (timing[shorter].ms >= timing[longer].ms) {
        refuse(`timing.${shorter}`, `is not shorter than timing.${longer}`, 'Lower the one or raise the other.');
      }
    }
  }
  if (auth !== undefined && auth.rotateAfter.ms >= auth.lifetime.ms) {
    refuse('auth.rotateAfter', 'is not shorter than auth.lifetime', 'Lower the one or raise the other.');
  }
}

interface Certificate {
  certificate: string | null;
  key: string | null;
  ca: string | null;
}

function checkCertificate(path: string, given: Certificate, refuse: Refuse, mend: string): void {
  const files = ['certificate', 'key', 'ca'] as const;
  const missing = files.filter((name) => given[name] === null);
  if (missing.length === 0 || missing.length === files.length) return;
  refuse(`${path}.${missing[0]}`, 'is not set, while others of certificate, key and ca are', mend);
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

function checkLogFile({ destinations, file }: Parsed['monitoring']['logging'], refuse: Refuse): void {
  if (file.path === null || destinations.includes('file')) return;
  refuse(
    'monitoring.logging.file.path',
    'is set, and monitoring.logging.destinations does not have file',
    'Add file to the destinations, or remove the path.',
  );
}

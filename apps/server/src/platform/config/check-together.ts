// Rules over several keys. Each is checked where its sections could be read, whatever is wrong elsewhere.

import type { Problem } from './problems.js';
import { sections, type Parsed } from './schema.js';
import { notSupportedYet } from './values.js';

export function checkTogether(parsed: Partial<Parsed>, problems: Problem[]): void {
  const { server, compute, claude, database, timing, auth } = parsed;
  const refuse = (path: string, what: string, mend: string) => problems.push({ path, what, mend });

  if (server !== undefined && compute?.isolation === 'none' && !isLoopback(server.host)) {
    refuse(
      'compute.isolation',
      `is none while server.host is ${server.host}`,
      'Without isolation sessions can do what this server can: set server.host to 127.0.0.1, or compute.isolation to bubblewrap.',
    );
  }
  if (server !== undefined && new Set(server.roles).size < sections.server.parse({}).roles.length) {
    refuse(
      'server.roles',
      `${notSupportedYet}: roles apart from each other`,
      'Leave the key out: one process has all roles.',
    );
  }
  if (claude !== undefined && claude.models.length > 0 && !claude.models.includes(claude.model)) {
    refuse(
      'claude.model',
      `is ${claude.model}, which claude.models does not list`,
      'Add it to claude.models, or choose one of those.',
    );
  }
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

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

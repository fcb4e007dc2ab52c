/** Reports on the one place that a handle means. It does not start anything. */
import { existsSync } from 'node:fs';
import type { PlaceReport } from '../../driver.js';
import type { Context } from './context.js';
import { boundPlaceLog } from './place-log.js';
import { readRecord } from './place-record.js';
import type { ProcessPlace } from './place-record.js';
import { readNumberSpace } from './host-processes.js';
import { isInSpace, isSamePlace, isThere, reportEnd } from './places.js';
import { sessionPaths } from './session-paths.js';

export async function inspectPlace({ roots, isolator, starting }: Context, place: ProcessPlace): Promise<PlaceReport> {
  const paths = sessionPaths(roots, place.sessionId);
  if (!isThere(place)) {
    // Gone is a place with all that it left behind, not with its first process alone.
    if (isInSpace(place, readNumberSpace())) await isolator.kill(place, place.placeId);
    return reportEnd(place, roots, isolator);
  }
  boundPlaceLog(paths);
  const limits = isolator.enforced(place, paths.key);
  // Folders made anew would be others than those that the place has.
  const cutOff = ![paths.agentFolder, paths.gatewayFolder].every((folder) => existsSync(folder));
  const report = (status: PlaceReport['status'], reason: string | null): PlaceReport => ({
    status,
    reason,
    exitCode: null,
    cutOff,
    limits,
  });
  if (isolator.commandOf(place) !== null) return report('running', null);
  if (starting.has(place.placeId)) return report('starting', null);
  const record = readRecord(paths);
  if (record === null || !isSamePlace(record.place, place)) {
    return report('starting', 'Its start was interrupted; start or stop it again.');
  }
  // Recorded and without its command: it ended, or its server died in the moment before it began.
  if (await isolator.kill(place, place.placeId)) return reportEnd(place, roots, isolator);
  return report('error', 'Its command has ended, and what it left behind does not end. Stop it again.');
}

/**
 * What is known of places: from the record on disk, from the marks on processes, and from the kernel. It looks and
 * reports; starting and ending is `driver.ts`.
 */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { PlaceReport } from '../../driver.js';
import { isAlive, isForgotten, readNumberSpace, waitUntil } from './host-processes.js';
import type { NumberSpace } from './host-processes.js';
import type { Isolator } from './isolator.js';
import { readEvents, readRecord } from './place-record.js';
import type { ProcessPlace } from './place-record.js';
import { isId } from '../../place-id.js';
import { sessionPaths } from './session-paths.js';
import type { Roots } from './session-paths.js';

export function isSamePlace(one: ProcessPlace, other: ProcessPlace): boolean {
  return (
    one.placeId === other.placeId &&
    isInSpace(one, other) &&
    one.init.pid === other.init.pid &&
    one.init.startTime === other.init.startTime
  );
}

/** Whether the place is there, its numbers meaning anything today. */
export function isThere(place: ProcessPlace, space: NumberSpace = readNumberSpace()): boolean {
  return isInSpace(place, space) && isAlive(place.init);
}

export function isInSpace(place: ProcessPlace, space: NumberSpace): boolean {
  return place.bootId === space.bootId && place.pidNamespace === space.pidNamespace;
}

/** Every place that is there, recorded or only marked; of one session, or of all. */
export function findPlaces(roots: Roots, isolator: Isolator, only?: string): ProcessPlace[] {
  const space = readNumberSpace();
  const recorded = (only === undefined ? sessionIds(roots) : [only]).flatMap((sessionId) => {
    const place = readRecord(sessionPaths(roots, sessionId))?.place;
    return place !== undefined && isThere(place, space) ? [place] : [];
  });
  const marked = isolator
    .scan()
    .filter((found) => only === undefined || found.sessionId === only)
    .map((found): ProcessPlace => ({ ...found, ...space, uid: ownerOfDisk(roots, found.sessionId) }))
    .filter(
      (found) => !recorded.some((place) => place.placeId === found.placeId && place.sessionId === found.sessionId),
    );
  return [...recorded, ...marked];
}

function ownerOfDisk(roots: Roots, sessionId: string): number {
  return statSync(sessionPaths(roots, sessionId).workspace, { throwIfNoEntry: false })?.uid ?? 0;
}

function sessionIds(roots: Roots): string[] {
  try {
    return readdirSync(join(roots.dataDir, 'sessions')).filter(isId);
  } catch {
    return [];
  }
}

/** The report of a place that is gone. */
export async function reportEnd(place: ProcessPlace, roots: Roots, isolator: Isolator): Promise<PlaceReport> {
  const limits = { memory: false, processes: false, cpu: false };
  const space = readNumberSpace();
  const ended = (status: 'stopped' | 'error', reason: string, exitCode: number | null = null): PlaceReport => ({
    status,
    reason,
    exitCode,
    cutOff: false,
    limits,
  });
  if (place.bootId !== space.bootId) return ended('stopped', 'The machine was restarted.');
  if (place.pidNamespace !== space.pidNamespace)
    return ended('stopped', 'The container that the server ran in was restarted.');
  const paths = sessionPaths(roots, place.sessionId);
  const record = readRecord(paths);
  if (record === null || !isSamePlace(record.place, place)) return ended('stopped', 'The place is gone.');
  // The code is written down a moment after the end, by the monitor or by its parent.
  const isWritten = () => readEvents(paths, place.placeId).exitCode !== null;
  await waitUntil(() => isWritten() || isForgotten(place.monitor), 1_000);
  const { exitCode } = readEvents(paths, place.placeId);
  if (record.stopped) return ended('stopped', 'It was stopped.', exitCode);
  if (exitCode === 0) return ended('stopped', 'Its command has ended.', 0);
  const kills = isolator.memoryKills(paths.key);
  if (kills > 0 && (exitCode === null || exitCode === 137))
    return ended('error', 'It used more memory than its limit and was killed.', exitCode);
  if (exitCode === null) return ended('error', 'It was killed, or ended while no server was looking.');
  const how = exitCode > 128 ? `signal ${exitCode - 128}` : `code ${exitCode}`;
  return ended('error', `Its command ended by itself with ${how}; what it printed is in the session's log.`, exitCode);
}

/**
 * The note about a session's last place, on disk beside its files, and the handle made from it. A record is written
 * before the place may run, so a crash leaves a place that runs and is known, or one that never ran.
 */
import { closeSync, fsyncSync, openSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ComputeError } from '../../driver.js';
import type { PlaceHandle } from '../../driver.js';
import { readText } from './host-processes.js';
import type { NumberSpace, ProcessIdentity } from './host-processes.js';
import { isId } from '../../place-id.js';
import type { SessionPaths } from './session-paths.js';

/** The processes that hold a place. Without isolation both are the command itself. */
export interface PlaceProcesses {
  /** bwrap outside: it writes down the exit code; its death alone ends nothing. */
  monitor: ProcessIdentity;
  /** First process of the place's pid namespace: when it is gone, all of the place is. */
  init: ProcessIdentity;
}

export interface ProcessPlace extends PlaceProcesses, NumberSpace {
  sessionId: string;
  placeId: string;
  /** Who the place is, as the host sees it. */
  uid: number;
}

export interface PlaceRecord {
  place: ProcessPlace;
  /** It was ended on request. */
  stopped: boolean;
}

export function toHandle(place: ProcessPlace): PlaceHandle {
  const { sessionId, placeId, uid, bootId, pidNamespace, monitor, init } = place;
  return { sessionId, placeId, uid, bootId, pidNamespace, monitor: { ...monitor }, init: { ...init } };
}

export function fromHandle(handle: PlaceHandle): ProcessPlace {
  const place = parsePlace(handle);
  if (place === null) throw new ComputeError('bad_handle', 'This handle was not made by the process driver.');
  return place;
}

function parsePlace(value: unknown): ProcessPlace | null {
  if (!isObject(value)) return null;
  const { sessionId, placeId, uid, bootId, pidNamespace } = value;
  const monitor = parseIdentity(value['monitor']);
  const init = parseIdentity(value['init']);
  if (!isId(sessionId) || !isId(placeId) || monitor === null || init === null) return null;
  if (typeof uid !== 'number' || typeof bootId !== 'string' || typeof pidNamespace !== 'string') return null;
  return { sessionId, placeId, uid, bootId, pidNamespace, monitor, init };
}

function parseIdentity(value: unknown): ProcessIdentity | null {
  if (!isObject(value)) return null;
  const { pid, startTime } = value;
  // Numbers below 2 would aim a signal at the machine's first process, at a group or at everyone.
  return Number.isSafeInteger(pid) && (pid as number) > 1 && typeof startTime === 'string'
    ? { pid: pid as number, startTime }
    : null;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const recordPath = (paths: SessionPaths) => join(paths.notes, 'place.json');

export function readRecord(paths: SessionPaths): PlaceRecord | null {
  const value = parseJson(readText(recordPath(paths)));
  if (!isObject(value)) return null;
  const place = parsePlace(value['place']);
  return place === null ? null : { place, stopped: value['stopped'] === true };
}

export function writeRecord(paths: SessionPaths, record: PlaceRecord): void {
  const draft = `${recordPath(paths)}.draft`;
  const file = openSync(draft, 'w', 0o600);
  try {
    writeFileSync(file, JSON.stringify(record));
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(draft, recordPath(paths));
}

export function removeRecord(paths: SessionPaths): void {
  rmSync(recordPath(paths), { force: true });
}

/** Where bwrap writes what happens to a place: one JSON document a line. */
export const statusPath = (paths: SessionPaths, placeId: string) => join(paths.notes, `status-${placeId}`);

export interface PlaceEvents {
  childPid: number | null;
  exitCode: number | null;
}

export function readEvents(paths: SessionPaths, placeId: string): PlaceEvents {
  const events: PlaceEvents = { childPid: null, exitCode: null };
  for (const line of (readText(statusPath(paths, placeId)) ?? '').split('\n')) {
    const value = parseJson(line);
    if (!isObject(value)) continue;
    if (typeof value['child-pid'] === 'number') events.childPid = value['child-pid'];
    if (typeof value['exit-code'] === 'number') events.exitCode = value['exit-code'];
  }
  return events;
}

export function removeEvents(paths: SessionPaths): void {
  for (const name of readdirSync(paths.notes)) {
    if (name.startsWith('status-')) rmSync(join(paths.notes, name), { force: true });
  }
}

function parseJson(text: string | null): unknown {
  try {
    return text === null ? null : JSON.parse(text);
  } catch {
    return null;
  }
}

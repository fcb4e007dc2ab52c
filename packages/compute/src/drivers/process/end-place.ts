/** Ends places, and with `destroy` their disks. It does not know who wants that. */
import { killWhole } from './context.js';
import type { Context } from './context.js';
import { isAlive, readNumberSpace, waitUntil } from './host-processes.js';
import { readRecord, writeRecord } from './place-record.js';
import type { ProcessPlace } from './place-record.js';
import { findPlaces, isInSpace, isSamePlace } from './places.js';
import { removeDisk, removeTree } from './remove-disk.js';
import { sessionPaths } from './session-paths.js';

export async function stopPlace(context: Context, place: ProcessPlace, graceMs: number): Promise<void> {
  const { roots, isolator, childEnv } = context;
  const paths = sessionPaths(roots, place.sessionId);
  if (isInSpace(place, readNumberSpace())) {
    isolator.terminate(place);
    await waitUntil(() => !isAlive(place.init) || isolator.commandOf(place) === null, graceMs);
    await killWhole(context, place, 'stop_failed');
  }
  const record = readRecord(paths);
  // Sockets and limits may be a newer place's by now.
  if (record !== null && !isSamePlace(record.place, place)) return;
  if (record !== null) writeRecord(paths, { ...record, stopped: true });
  await removeTree(paths.run, childEnv);
  await isolator.forget(paths.key);
}

export async function destroySession(context: Context, sessionId: string): Promise<void> {
  const { roots, isolator, uids, trashFolder, childEnv } = context;
  const paths = sessionPaths(roots, sessionId);
  for (const place of findPlaces(roots, isolator, sessionId)) await killWhole(context, place, 'destroy_failed');
  await removeTree(paths.run, childEnv);
  await isolator.forget(paths.key);
  await removeDisk(paths.root, trashFolder, sessionId, childEnv);
  // Last: whoever gets this uid next must find nothing that belongs to it.
  uids.free(sessionId);
}

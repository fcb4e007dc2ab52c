/** Starts a place, once per place id, whatever was interrupted before. It does not know how the command is enclosed. */
import { ComputeError } from '../../driver.js';
import type { PlaceSpec, StartedPlace } from '../../driver.js';
import { isRoot, killWhole, startedPlace } from './context.js';
import type { Context } from './context.js';
import { readNumberSpace } from './host-processes.js';
import { writeOwnEtc } from './host-system.js';
import type { Launched } from './isolator.js';
import { readRecord, removeEvents, removeRecord, writeRecord } from './place-record.js';
import type { ProcessPlace } from './place-record.js';
import { findPlaces, isSamePlace } from './places.js';
import { folderProblems } from './probe.js';
import { removeTree } from './remove-disk.js';
import { makeSessionFolders, makeSharedFolders, missingOf, sessionPaths } from './session-paths.js';
import type { Owner, SessionPaths } from './session-paths.js';

export async function startPlace(
  context: Context,
  spec: PlaceSpec,
  progress: (step: string) => void,
): Promise<StartedPlace> {
  const paths = sessionPaths(context.roots, spec.sessionId);
  const recorded = readRecord(paths)?.place;
  if (recorded?.placeId === spec.placeId) return startedPlace(context, recorded);
  const found = await clearTheWay(context, spec, paths);
  if (found !== null) return startedPlace(context, found);
  if (spec.disk === 'existing') requireDisk(context, paths);
  context.starting.add(spec.placeId);
  try {
    progress('Preparing the disk');
    prepareHost(context);
    const owner = ownerOf(context, spec.sessionId);
    await removeTree(paths.run, context.childEnv);
    makeSessionFolders(paths, owner);
    progress('Starting the place');
    return startedPlace(context, await launch(context, { spec, paths, owner }));
  } finally {
    context.starting.delete(spec.placeId);
  }
}

function requireDisk({ roots }: Context, paths: SessionPaths): void {
  const missing = missingOf(roots, paths);
  if (missing.length === 0) return;
  const which = missing.length === 1 ? 'the folder' : 'the folders';
  throw new ComputeError(
    'disk_gone',
    `The disk of this session is gone: it had been made, and ${which} ${missing.join(', ')} cannot be found in the data folder of sessions.`,
  );
}

/** Ends what never ran; gives back the place that is asked for if it runs unrecorded. */
async function clearTheWay(context: Context, spec: PlaceSpec, paths: SessionPaths): Promise<ProcessPlace | null> {
  const { roots, isolator } = context;
  for (const place of findPlaces(roots, isolator, spec.sessionId)) {
    const record = readRecord(paths);
    const isRecorded = record !== null && isSamePlace(record.place, place);
    if (!isRecorded && isolator.commandOf(place) === null) {
      await killWhole(context, place, 'start_failed');
    } else if (!isRecorded && place.placeId === spec.placeId) {
      writeRecord(paths, { place, stopped: false });
      return place;
    } else {
      throw new ComputeError(
        'place_exists',
        `The place ${place.placeId} of this session is still there; stop it first.`,
      );
    }
  }
  return null;
}

function prepareHost(context: Context): void {
  makeSharedFolders(context.roots);
  if (context.isolated) writeOwnEtc(context.ownEtcFolder);
  const [problem] = [...folderProblems(context.roots, context.isolated), ...context.lookForTools().missing];
  if (problem !== undefined) throw new ComputeError('not_ready', `${problem.what} ${problem.mend}`);
}

function ownerOf({ isolated, uids }: Context, sessionId: string): Owner {
  if (!isolated || !isRoot()) return { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const uid = uids.take(sessionId);
  return { uid, gid: uid };
}

async function launch(
  context: Context,
  job: { spec: PlaceSpec; paths: SessionPaths; owner: Owner },
): Promise<ProcessPlace> {
  const { spec, paths, owner } = job;
  const { isolator } = context;
  removeRecord(paths);
  removeEvents(paths);
  let place: ProcessPlace | null = null;
  try {
    const launched = await isolator.launch(job);
    const { monitor, init } = launched;
    place = { sessionId: spec.sessionId, placeId: spec.placeId, uid: owner.uid, ...readNumberSpace(), monitor, init };
    // On disk before the command begins: what runs is known.
    writeRecord(paths, { place, stopped: false });
    await launched.release();
    endRemainsLater(context, launched, place);
    return place;
  } catch (error) {
    if (place !== null) await isolator.kill(place, place.placeId);
    removeRecord(paths);
    await removeTree(paths.run, context.childEnv);
    await isolator.forget(paths.key);
    throw error;
  }
}

/** A place ends with its command: what that left in the background goes too. `inspect` does the same after a restart. */
function endRemainsLater({ isolator, turns }: Context, { ended }: Launched, place: ProcessPlace): void {
  const endRemains = async () => {
    if (isolator.commandOf(place) === null) await isolator.kill(place, place.placeId);
  };
  void ended.then(() => turns.run(place.sessionId, endRemains)).catch(() => {});
}

/**
 * The driver for one machine: every place is a process tree on this host, enclosed by bubblewrap or, only when asked,
 * by nothing. It knows disks, sockets and processes; it does not know sessions' rows, agents or gateways. One driver
 * works on a data folder at a time.
 */
import { isAbsolute, join } from 'node:path';
import { ComputeError } from '../../driver.js';
import type { Driver, PlaceAddresses, PlaceReport, PlaceSpec, ProbeResult, StartedPlace } from '../../driver.js';
import { createBubblewrapIsolator } from './bubblewrap.js';
import type { Tools } from './bubblewrap-arguments.js';
import { checkSpec } from './check-spec.js';
import { isAlive, readNumberSpace, waitUntil } from './host-processes.js';
import { writeOwnEtc } from './host-system.js';
import { createTurns } from './in-turn.js';
import type { Isolator } from './isolator.js';
import { boundPlaceLog } from './place-log.js';
import { fromHandle, readRecord, removeEvents, removeRecord, toHandle, writeRecord } from './place-record.js';
import type { ProcessPlace } from './place-record.js';
import { findPlaces, isSamePlace, isThere, reportEnd } from './places.js';
import { createPlainIsolator } from './plain.js';
import { bubblewrapProblems, folderProblems, limitWarnings } from './probe.js';
import { removeDisk } from './remove-disk.js';
import { buildSeccompFilter, isKnownProcessor } from './seccomp/filter.js';
import { makeSessionFolders, makeSharedFolders, removeSockets, sessionPaths } from './session-paths.js';
import type { Owner, SessionPaths } from './session-paths.js';
import { findTools } from './tools.js';
import { createUidStore } from './uid-store.js';
import type { UidRange } from './uid-store.js';

export interface ProcessDriverOptions {
  /** Absolute; sessions' disks are `<dataDir>/sessions/<id>`. Run as root, others must be able to pass through it. */
  dataDir: string;
  /** Absolute and short: sockets are below it. */
  runDir: string;
  isolation: 'bubblewrap' | 'none';
  /** Of this data folder alone; used when the server is root. */
  uidRange: UidRange;
  /** Otherwise looked for on `childEnv.PATH`. */
  bwrapPath?: string;
  /** The environment of helper programs; `XDG_RUNTIME_DIR` in it lets an ordinary user's systemd set limits. */
  childEnv: Record<string, string>;
}

type Verb = 'start' | 'inspect' | 'stop' | 'destroy' | 'list';
const codeOf = { start: 'start_failed', inspect: 'not_ready', stop: 'stop_failed', destroy: 'destroy_failed', list: 'not_ready' } as const;

export function createProcessDriver(options: ProcessDriverOptions): Driver {
  const { dataDir, runDir, isolation, childEnv } = options;
  const roots = { dataDir, runDir };
  const isolated = isolation === 'bubblewrap';
  const asRoot = process.getuid?.() === 0;
  const ownEtcFolder = join(dataDir, 'driver', 'etc');
  const uids = createUidStore(join(dataDir, 'driver', 'uids'), options.uidRange);
  const turns = createTurns();
  /** Places between their first process and their command. */
  const starting = new Set<string>();
  let closed = false;

  const lookForTools = () => {
    const needed: (keyof Tools)[] = isolated ? ['bwrap', 'prlimit', ...(asRoot ? (['setpriv'] as const) : [])] : ['prlimit'];
    return findTools(childEnv['PATH'] ?? '', needed, options.bwrapPath);
  };
  const isolator: Isolator = isolated
    ? createBubblewrapIsolator({ roots, ownEtcFolder, childEnv, seccompFilter: isKnownProcessor(process.arch) ? buildSeccompFilter(process.arch) : null, tools: () => lookForTools().tools })
    : createPlainIsolator({ roots, tools: () => lookForTools().tools });

  const guard = async <T>(verb: Verb, act: () => Promise<T>): Promise<T> => {
    if (closed) throw new ComputeError('closed', 'The driver was closed.');
    try {
      return await act();
    } catch (error) {
      if (error instanceof ComputeError) throw error;
      throw new ComputeError(codeOf[verb], `The place's ${verb} failed: ${(error as Error).message}`, { cause: error });
    }
  };

  const prepare = () => {
    makeSharedFolders(roots);
    if (isolated) writeOwnEtc(ownEtcFolder);
    const problems = [...folderProblems(roots, isolated), ...lookForTools().missing];
    const [first] = problems;
    if (first !== undefined) throw new ComputeError('not_ready', `${first.what} ${first.mend}`);
  };

  const ownerOf = (sessionId: string): Owner => {
    if (!isolated || !asRoot) return { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
    const uid = uids.take(sessionId);
    return { uid, gid: uid };
  };

  const started = (place: ProcessPlace): StartedPlace => ({ handle: toHandle(place), ...addressesOf(place) });

  const addressesOf = (place: ProcessPlace): PlaceAddresses => {
    const paths = sessionPaths(roots, place.sessionId);
    return {
      agent: { kind: 'unix', path: paths.agentSocket, ownerUid: place.uid },
      gateway: { kind: 'unix', path: paths.gatewaySocket, ownerUid: process.getuid?.() ?? 0 },
    };
  };

  /** Ends what never ran; gives back the place that the caller asked for if it runs unrecorded. */
  const clearTheWay = async (spec: PlaceSpec): Promise<ProcessPlace | null> => {
    for (const place of findPlaces(roots, isolator, spec.sessionId)) {
      const recorded = readRecord(sessionPaths(roots, spec.sessionId));
      const isRecorded = recorded !== null && isSamePlace(recorded.place, place);
      if (!isRecorded && isolator.commandOf(place) === null) {
        if (!(await isolator.kill(place, place.placeId))) throw new ComputeError('start_failed', 'The remains of an interrupted start could not be ended.');
      } else if (!isRecorded && place.placeId === spec.placeId) {
        writeRecord(sessionPaths(roots, spec.sessionId), { place, stopped: false });
        return place;
      } else {
        throw new ComputeError('place_exists', `The place ${place.placeId} of this session is still there; stop it first.`);
      }
    }
    return null;
  };

  const launch = async (spec: PlaceSpec, paths: SessionPaths): Promise<ProcessPlace> => {
    const owner = ownerOf(spec.sessionId);
    makeSessionFolders(paths, owner);
    removeRecord(paths);
    removeEvents(paths);
    let place: ProcessPlace | null = null;
    try {
      const launched = await isolator.launch({ spec, paths, owner });
      const { monitor, init } = launched;
      place = { sessionId: spec.sessionId, placeId: spec.placeId, uid: owner.uid, ...readNumberSpace(), monitor, init };
      // On disk before the command begins: what runs is known.
      writeRecord(paths, { place, stopped: false });
      await launched.release();
      const { sessionId, placeId } = place;
      const remains = place;
      void launched.ended.then(() => turns.run(sessionId, () => endRemains(remains, placeId)));
      return place;
    } catch (error) {
      if (place !== null) await isolator.kill(place, place.placeId);
      removeRecord(paths);
      removeSockets(paths);
      await isolator.forget(paths.key);
      throw error;
    }
  };

  /** A place ends with its command: what that left in the background goes too. */
  const endRemains = async (place: ProcessPlace, placeId: string): Promise<void> => {
    if (isolator.commandOf(place) === null) await isolator.kill(place, placeId);
  };

  const start = async (spec: PlaceSpec, progress: (step: string) => void): Promise<StartedPlace> => {
    const paths = sessionPaths(roots, spec.sessionId);
    const recorded = readRecord(paths)?.place;
    if (recorded?.placeId === spec.placeId) return started(recorded);
    const found = await clearTheWay(spec);
    if (found !== null) return started(found);
    starting.add(spec.placeId);
    try {
      progress('Preparing the disk');
      prepare();
      progress('Starting the place');
      return started(await launch(spec, paths));
    } finally {
      starting.delete(spec.placeId);
    }
  };

  const inspect = async (place: ProcessPlace): Promise<PlaceReport> => {
    const paths = sessionPaths(roots, place.sessionId);
    if (isThere(place)) {
      boundPlaceLog(paths);
      const limits = isolator.enforced(place, paths.key);
      if (isolator.commandOf(place) !== null) return { status: 'running', reason: null, exitCode: null, limits };
      const record = readRecord(paths);
      const isRecorded = record !== null && isSamePlace(record.place, place);
      if (starting.has(place.placeId)) return { status: 'starting', reason: null, exitCode: null, limits };
      if (!isRecorded) return { status: 'starting', reason: 'Its start was interrupted; start or stop it again.', exitCode: null, limits };
      if (!(await isolator.kill(place, place.placeId))) return { status: 'error', reason: 'Its command has ended, and what it left cannot be ended.', exitCode: null, limits };
    }
    return reportEnd(place, roots, isolator);
  };

  const stop = async (place: ProcessPlace, graceMs: number): Promise<void> => {
    const paths = sessionPaths(roots, place.sessionId);
    const space = readNumberSpace();
    if (place.bootId === space.bootId && place.pidNamespace === space.pidNamespace) {
      isolator.terminate(place);
      await waitUntil(() => !isAlive(place.init) || isolator.commandOf(place) === null, graceMs);
      if (!(await isolator.kill(place, place.placeId))) throw new ComputeError('stop_failed', 'Processes of the place do not end; they wait in the kernel. Try again.');
    }
    const record = readRecord(paths);
    if (record !== null && !isSamePlace(record.place, place)) return; // sockets and limits are a newer place's
    if (record !== null) writeRecord(paths, { ...record, stopped: true });
    removeSockets(paths);
    await isolator.forget(paths.key);
  };

  const destroy = async (sessionId: string): Promise<void> => {
    const paths = sessionPaths(roots, sessionId);
    for (const place of findPlaces(roots, isolator, sessionId)) {
      if (!(await isolator.kill(place, place.placeId))) throw new ComputeError('destroy_failed', 'Processes of the place do not end; they wait in the kernel. Try again.');
    }
    removeSockets(paths);
    await isolator.forget(paths.key);
    await removeDisk(paths.root, join(dataDir, 'driver', 'trash'), sessionId, childEnv);
    uids.free(sessionId);
  };

  const probe = async (): Promise<ProbeResult> => {
    if (process.platform !== 'linux') return notHere('This driver needs Linux.', 'Use the docker driver.');
    try {
      makeSharedFolders(roots);
      if (isolated) writeOwnEtc(ownEtcFolder);
    } catch (error) {
      return notHere(`The folders cannot be made: ${(error as Error).message}.`, 'Choose folders that the server may write.');
    }
    const { tools, missing } = lookForTools();
    const problems = [...missing, ...folderProblems(roots, isolated)];
    if (isolated && problems.length === 0) {
      problems.push(...(await bubblewrapProblems({ roots, ownEtcFolder, tools, uid: options.uidRange.first, childEnv })));
    }
    const warnings = isolated
      ? await limitWarnings(childEnv)
      : ['Sessions are not isolated: their code can read and change whatever the server can, and nothing limits it.'];
    return { ready: problems.length === 0, problems, warnings };
  };

  if (!isAbsolute(dataDir) || !isAbsolute(runDir)) throw new ComputeError('not_ready', 'The data folder and the run folder must be absolute paths.');
  return {
    kind: 'process',
    isolation,
    probe,
    start: (spec, progress = () => {}) =>
      guard('start', () => {
        checkSpec(spec);
        return turns.run(spec.sessionId, () => start(spec, progress));
      }),
    inspect: (handle) => guard('inspect', () => inspect(fromHandle(handle))),
    stop: (handle, { graceMs }) =>
      guard('stop', () => {
        const place = fromHandle(handle);
        return turns.run(place.sessionId, () => stop(place, graceMs));
      }),
    destroy: (sessionId) => guard('destroy', () => turns.run(sessionId, () => destroy(sessionId))),
    list: () => guard('list', async () => findPlaces(roots, isolator).map((place) => ({ sessionId: place.sessionId, placeId: place.placeId, handle: toHandle(place) }))),
    addresses: (handle) => addressesOf(fromHandle(handle)),
    layout: (sessionId) => isolator.layout(sessionPaths(roots, sessionId)),
    close: async () => {
      closed = true;
      await turns.settled();
    },
  };
}

function notHere(what: string, mend: string): ProbeResult {
  return { ready: false, problems: [{ what, mend }], warnings: [] };
}

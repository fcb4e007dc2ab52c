/**
 * The driver for one machine: every place is a process tree on this host, enclosed by bubblewrap or, only when asked,
 * by nothing. It knows disks, sockets and processes; it does not know sessions' rows, agents or gateways. Several drivers,
 * in processes of their own, may work on a data folder: a lock of the kernel lets one at a time act on a session.
 */
import { isAbsolute, join } from 'node:path';
import { ComputeError } from '../../driver.js';
import type { ComputeErrorCode, Driver, MayAct } from '../../driver.js';
import { createBubblewrapIsolator } from './bubblewrap.js';
import type { Tools } from './bubblewrap-arguments.js';
import { checkNeeds, checkSpec } from '../../check-spec.js';
import { addressesOf, isRoot } from './context.js';
import type { Context } from './context.js';
import { destroySession, stopPlace } from './end-place.js';
import { requireMayAct } from '../../require-may-act.js';
import { createTurns } from '../../turns.js';
import { inspectPlace } from './look-at-place.js';
import { fromHandle, toHandle } from './place-record.js';
import { findPlaces } from './places.js';
import { createPlainIsolator } from './plain.js';
import { probeHost } from './probe.js';
import { buildSeccompFilter, isKnownProcessor } from './seccomp/filter.js';
import { createSessionLocks } from './session-lock.js';
import type { LockedJob } from './session-lock.js';
import { makeSharedFolders, sessionPaths } from './session-paths.js';
import { startPlace } from './start-place.js';
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
  /** How long the act of another process on the same session is waited for; 15 s where it is not said. */
  lockWaitMs?: number;
  /** The environment of helper programs; `XDG_RUNTIME_DIR` in it lets an ordinary user's systemd set limits. */
  childEnv: Record<string, string>;
}

const defaultLockWaitMs = 15_000;

export function createProcessDriver(options: ProcessDriverOptions): Driver {
  const context = createContext(options);
  const { roots, isolator, turns, locks } = context;
  let closed = false;

  /** Runs a verb so that only a `ComputeError` leaves it. */
  const verb = async <T>(failure: ComputeErrorCode, act: () => Promise<T>): Promise<T> => {
    if (closed) throw new ComputeError('closed', 'The driver was closed.');
    try {
      return await act();
    } catch (error) {
      if (error instanceof ComputeError) throw error;
      throw new ComputeError(failure, `The process driver failed: ${(error as Error).message}`, { cause: error });
    }
  };

  /** Alone on the session, and only if the caller may act on it still. */
  const alone = <T>(job: LockedJob, mayAct: MayAct | undefined, act: () => Promise<T>): Promise<T> =>
    turns.run(job.sessionId, () => {
      makeSharedFolders(roots);
      return locks.run(job, async () => {
        requireMayAct(mayAct);
        return act();
      });
    });

  return {
    kind: 'process',
    isolation: options.isolation,
    probe: () => probeHost(context, options.uidRange.first),
    // What its places need is on this machine.
    prepare: (needs) => verb('prepare_failed', async () => checkNeeds(needs)),
    start: (spec, progress = () => {}, mayAct) =>
      verb('start_failed', async () => {
        checkSpec(spec);
        const { sessionId } = spec;
        return alone({ sessionId, doing: 'starting it' }, mayAct, () => startPlace(context, spec, progress));
      }),
    inspect: (handle) => verb('not_ready', async () => inspectPlace(context, fromHandle(handle))),
    stop: (handle, { graceMs, mayAct }) =>
      verb('stop_failed', async () => {
        const place = fromHandle(handle);
        const { sessionId } = place;
        return alone({ sessionId, doing: 'stopping it' }, mayAct, () => stopPlace(context, place, graceMs));
      }),
    destroy: (sessionId, mayAct) =>
      verb('destroy_failed', async () => {
        sessionPaths(roots, sessionId);
        const job = { sessionId, doing: 'removing its disk', isLast: true };
        return alone(job, mayAct, () => destroySession(context, sessionId));
      }),
    list: () =>
      verb('not_ready', async () =>
        findPlaces(roots, isolator).map((place) => ({
          sessionId: place.sessionId,
          placeId: place.placeId,
          handle: toHandle(place),
          mounts: isolator.mountsOf(place),
        })),
      ),
    addresses: (handle) => addressesOf(context, fromHandle(handle)),
    layout: (sessionId) => isolator.layout(sessionPaths(roots, sessionId)),
    close: async () => {
      closed = true;
      await turns.settled();
    },
  };
}

function createContext(options: ProcessDriverOptions): Context {
  const { dataDir, runDir, childEnv } = options;
  if (!isAbsolute(dataDir) || !isAbsolute(runDir)) {
    throw new ComputeError('not_ready', 'The data folder and the run folder must be absolute paths.');
  }
  const roots = { dataDir, runDir };
  const isolated = options.isolation === 'bubblewrap';
  const ownEtcFolder = join(dataDir, 'driver', 'etc');
  const needed: (keyof Tools)[] = ['prlimit', 'flock', ...(isolated ? (['bwrap'] as const) : [])];
  if (isolated && isRoot()) needed.push('setpriv');
  // Looked up anew each time: bubblewrap may be installed while the server runs.
  const lookForTools = () => findTools(childEnv['PATH'] ?? '', needed, options.bwrapPath);
  const tools = () => lookForTools().tools;
  const flock = () => {
    const { tools: found, missing } = lookForTools();
    if (found.flock !== '' || missing[0] === undefined) return found.flock;
    throw new ComputeError('not_ready', `${missing[0].what} ${missing[0].mend}`);
  };
  const seccompFilter = isKnownProcessor(process.arch) ? buildSeccompFilter(process.arch) : null;
  return {
    roots,
    isolated,
    ownEtcFolder,
    trashFolder: join(dataDir, 'driver', 'trash'),
    childEnv,
    uids: createUidStore(join(dataDir, 'driver', 'uids'), options.uidRange),
    isolator: isolated
      ? createBubblewrapIsolator({ roots, ownEtcFolder, childEnv, seccompFilter, tools })
      : createPlainIsolator({ roots, tools }),
    lookForTools,
    turns: createTurns(),
    locks: createSessionLocks({
      folder: join(dataDir, 'driver', 'locks'),
      flock,
      childEnv,
      waitMs: options.lockWaitMs ?? defaultLockWaitMs,
    }),
    starting: new Set(),
  };
}

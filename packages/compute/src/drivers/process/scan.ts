/**
 * Finds places by their marks on running processes: those whose record was never written, or was lost. A mark is
 * believed only on processes that a session's code cannot have made. It does not know records.
 */
import { statSync } from 'node:fs';
import { readIdentityCard } from './bubblewrap-arguments.js';
import {
  allProcesses,
  childrenOf,
  identify,
  isInOwnPidNamespace,
  readNumberSpace,
  readText,
} from './host-processes.js';
import type { Marked } from './isolator.js';
import { isId } from '../../place-id.js';
import { sessionPaths } from './session-paths.js';
import type { Roots } from './session-paths.js';

/** The place's session and place, in the environment of every process of a place without isolation. */
export const plainMark = 'REMOTE_CLAUDE_PLACE';

/** bwrap's outer process: it carries the identity card and stands in our pid namespace, where no session's code is. */
export function scanForBubblewrap(roots: Roots): Marked[] {
  const own = readNumberSpace();
  return allProcesses().flatMap((pid) => {
    const commandLine = (readText(`/proc/${pid}/cmdline`) ?? '').split('\0');
    const card = readIdentityCard(commandLine);
    if (card === null || !isId(card.sessionId) || !isId(card.placeId)) return [];
    if (!commandLine.includes(sessionPaths(roots, card.sessionId).workspace) || !isInOwnPidNamespace(pid, own))
      return [];
    const monitor = identify(pid);
    if (monitor === null) return [];
    const child = childrenOf(pid)[0];
    // Without a child yet it stands for itself: killing it is enough.
    const init = child === undefined ? monitor : (identify(child) ?? monitor);
    return [{ ...card, monitor, init }];
  });
}

/** Processes of places without isolation, the oldest of each first. */
export function scanForPlain(roots: Roots): (Marked & { pid: number })[] {
  const found = allProcesses().flatMap((pid) => {
    if (ownerOf(pid) !== process.getuid?.()) return [];
    const line = (readText(`/proc/${pid}/environ`) ?? '')
      .split('\0')
      .find((entry) => entry.startsWith(`${plainMark}=`));
    const [dataDir, sessionId, placeId] = line?.slice(plainMark.length + 1).split('\n') ?? [];
    const self = identify(pid);
    if (dataDir !== roots.dataDir || !isId(sessionId) || !isId(placeId) || self === null) return [];
    return [{ sessionId, placeId, monitor: self, init: self, pid }];
  });
  return found.sort((one, other) => Number(one.init.startTime) - Number(other.init.startTime) || one.pid - other.pid);
}

function ownerOf(pid: number): number | null {
  try {
    return statSync(`/proc/${pid}`).uid;
  } catch {
    return null;
  }
}

/** What the process driver's verbs share. It does nothing by itself. */
import { ComputeError } from '../../driver.js';
import type { PlaceAddresses, StartedPlace } from '../../driver.js';
import type { Turns } from '../../turns.js';
import type { Isolator } from './isolator.js';
import type { ProcessPlace } from './place-record.js';
import { toHandle } from './place-record.js';
import type { SessionLocks } from './session-lock.js';
import { sessionPaths } from './session-paths.js';
import type { Roots } from './session-paths.js';
import type { FoundTools } from './tools.js';
import type { UidStore } from './uid-store.js';

export interface Context {
  roots: Roots;
  isolated: boolean;
  /** The place's own files of /etc, the same for all. */
  ownEtcFolder: string;
  trashFolder: string;
  childEnv: Record<string, string>;
  uids: UidStore;
  isolator: Isolator;
  lookForTools: () => FoundTools;
  /** Of this driver, and among all processes. */
  turns: Turns;
  locks: SessionLocks;
  /** Ids of places between their first process and their command. */
  starting: Set<string>;
}

export const isRoot = () => process.getuid?.() === 0;

export function addressesOf({ roots }: Context, place: ProcessPlace): PlaceAddresses {
  const paths = sessionPaths(roots, place.sessionId);
  return {
    agent: { kind: 'unix', path: paths.agentSocket, ownerUid: place.uid },
    gateway: { kind: 'unix', path: paths.gatewaySocket, ownerUid: process.getuid?.() ?? 0 },
  };
}

export function startedPlace(context: Context, place: ProcessPlace): StartedPlace {
  return { handle: toHandle(place), ...addressesOf(context, place) };
}

/** Kills all of a place, or rejects. */
export async function killWhole(
  { isolator }: Context,
  place: ProcessPlace,
  code: 'start_failed' | 'stop_failed' | 'destroy_failed',
): Promise<void> {
  if (await isolator.kill(place, place.placeId)) return;
  throw new ComputeError(
    code,
    `Processes of the place ${place.placeId} do not end; they wait in the kernel. Try again.`,
  );
}

/** What the process driver needs of a way to enclose a command. It does not know records, locks or disks. */
import type { PlaceLayout, PlaceSpec } from '../../driver.js';
import type { EnforcedLimits } from './cgroups.js';
import type { ProcessIdentity } from './host-processes.js';
import type { PlaceProcesses } from './place-record.js';
import type { Owner, SessionPaths } from './session-paths.js';

export interface LaunchJob {
  spec: PlaceSpec;
  paths: SessionPaths;
  owner: Owner;
}

export interface Launched extends PlaceProcesses {
  /** Lets the command begin; until then nothing of the session has run. */
  release(): Promise<void>;
  /** Settles when the monitor has ended, for as long as this server lives. */
  ended: Promise<void>;
}

export interface Marked extends PlaceProcesses {
  sessionId: string;
  placeId: string;
}

export interface Isolator {
  launch(job: LaunchJob): Promise<Launched>;
  /** Places of this data folder that are found by their marks alone. */
  scan(): Marked[];
  /** The command's process; null before it began and after it ended, whatever it has left behind. */
  commandOf(processes: PlaceProcesses): ProcessIdentity | null;
  /** Folders of the host that are mounted in it; null where that cannot be seen. */
  mountsOf(processes: PlaceProcesses): string[] | null;
  /** Asks the command to end. */
  terminate(processes: PlaceProcesses): void;
  /** Kills everything of the place; false where something is still there after 10 s. */
  kill(processes: PlaceProcesses, placeId: string): Promise<boolean>;
  enforced(processes: PlaceProcesses, key: string): EnforcedLimits;
  /** Of the session's last place. */
  memoryKills(key: string): number;
  /** What the kernel keeps for a place that is gone. */
  forget(key: string): Promise<void>;
  layout(paths: SessionPaths): PlaceLayout;
}

export const killTimeoutMs = 10_000;

/** What the conformance suite needs of a driver's tests. It runs nothing. */
import type { Driver, PlaceSpec, ReadOnlyMount } from '../driver.js';

export interface DriverHarness {
  driver: Driver;
  /** Another driver over the same stores and engine, as a server has that starts after a `kill -9`. */
  reopen(): Driver;
  /** What every place is given unless a test says otherwise; ids are the suite's own. */
  base: Pick<PlaceSpec, 'environment' | 'limits'> & Pick<Partial<PlaceSpec>, 'readOnlyMounts'>;
  commands: {
    /** Runs until SIGTERM. */
    idle: string[];
    exit(code: number): string[];
    /** Ignores SIGTERM. */
    stubborn: string[];
  };
  /** Each loses the stopped session's disk in another way, as a hand at the engine would. */
  losses: { how: string; lose(sessionId: string): Promise<void> }[];
  /** What is there of the session's disk, in any form. */
  remains(sessionId: string): Promise<string[]>;
  /** Null where commands are not truly run. */
  inside: InsideHarness | null;
  /** Removes the harness's sessions and folders. */
  close(): Promise<void>;
}

export interface InsideHarness {
  /** Path of a Node inside. */
  node: string;
  /** `none`: no interface but loopback. `gateway`: one that leads to the gateway. */
  network: 'none' | 'gateway';
  /** `own`: what it says of itself is told by a kernel of the place's own, as with gVisor. */
  kernel: 'shared' | 'own';
  /** `own`: a user namespace for each place. */
  users: 'shared' | 'own';
  /** A file of the host with a secret in it, readable for everyone there. */
  hiddenFile: string;
  /** A readable file in a folder whose mount is in `base.readOnlyMounts`. */
  mountedFile: { mount: ReadOnlyMount; name: string; content: string };
}

export type RealHarness = DriverHarness & { inside: InsideHarness };

export type Check<Harness = DriverHarness> = (name: string, body: (harness: Harness) => Promise<void>) => void;

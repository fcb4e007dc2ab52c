/**
 * The driver's contract as a test suite: every driver passes it on its real engine, and the fake passes the part that
 * needs no running command. It knows the interface alone; what an engine needs comes from its harness.
 */
import type { Driver, PlaceSpec, ReadOnlyMount } from '../driver.js';
import { commandContract } from './conformance-commands.js';
import { isolationContract } from './conformance-isolation.js';
import { verbContract } from './conformance-verbs.js';

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
  /** A file of the host with a secret in it, readable for everyone there. */
  hiddenFile: string;
  /** A readable file, and its mount, which is in `base.readOnlyMounts`. */
  mountedFile: { mount: ReadOnlyMount; content: string };
}

export type RealHarness = DriverHarness & { inside: InsideHarness };

export interface DriverSuite {
  name: string;
  /** `pretended`: nothing runs, the verbs alone are tried. `open`: commands run unprotected. `isolated`: all of it. */
  places: 'pretended' | 'open' | 'isolated';
  /** Every test gets one of its own and closes it. */
  makeHarness(): Promise<DriverHarness>;
  /** The test runner's functions. */
  describe(name: string, body: () => void): unknown;
  it(name: string, body: () => Promise<void>, timeoutMs: number): unknown;
}

export type Check<Harness = DriverHarness> = (name: string, body: (harness: Harness) => Promise<void>) => void;

const timeoutMs = 120_000;

export function runDriverConformance(suite: DriverSuite): void {
  const check: Check = (what, body) => {
    const run = async () => {
      const harness = await suite.makeHarness();
      try {
        await body(harness);
      } finally {
        await harness.close();
      }
    };
    suite.it(what, run, timeoutMs);
  };
  const checkInside: Check<RealHarness> = (what, body) => check(what, (harness) => body(real(harness)));

  suite.describe(`driver ${suite.name}`, () => {
    verbContract(check);
    if (suite.places !== 'pretended') commandContract(checkInside);
    if (suite.places === 'isolated') isolationContract(checkInside);
  });
}

function real(harness: DriverHarness): RealHarness {
  if (harness.inside === null) throw new Error('This harness runs no commands: declare its places "pretended".');
  return { ...harness, inside: harness.inside };
}

/**
 * The driver's contract as a test suite: every driver passes it on its real engine, and the fake passes the part that
 * needs no running command. It knows the interface alone; what an engine needs comes from its harness.
 */
import { commandContract } from './conformance-commands.js';
import { isolationContract } from './conformance-isolation.js';
import { limitContract, noLimitContract } from './conformance-limits.js';
import type { Check, DriverHarness, RealHarness } from './conformance-harness.js';
import { verbContract } from './conformance-verbs.js';

export interface DriverSuite {
  name: string;
  /** `pretended`: nothing runs, the verbs alone are tried. `open`: commands run unprotected. `isolated`: all of it. */
  places: 'pretended' | 'open' | 'isolated';
  /** Whether this host can enforce limits; where it cannot, the driver must say so in its reports. */
  limits: boolean;
  /** Every test gets one of its own and closes it. */
  makeHarness(): Promise<DriverHarness>;
  /** The test runner's functions. */
  describe(name: string, body: () => void): unknown;
  it(name: string, body: () => Promise<void>, timeoutMs: number): unknown;
}

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
    if (suite.places !== 'pretended') (suite.limits ? limitContract : noLimitContract)(checkInside);
  });
}

function real(harness: DriverHarness): RealHarness {
  if (harness.inside === null) throw new Error('This harness runs no commands: declare its places "pretended".');
  return { ...harness, inside: harness.inside };
}

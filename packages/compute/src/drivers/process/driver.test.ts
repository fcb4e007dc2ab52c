import { describe, it } from 'vitest';
import { runDriverConformance } from '../../testing/conformance.js';
import { limitsHold, makeProcessHarness } from '../../testing/process/harness.js';

runDriverConformance({
  name: 'process with bubblewrap',
  places: 'isolated',
  limits: await limitsHold(),
  makeHarness: () => makeProcessHarness('bubblewrap'),
  describe,
  it,
});

runDriverConformance({
  name: 'process without isolation',
  places: 'open',
  limits: false,
  makeHarness: () => makeProcessHarness('none'),
  describe,
  it,
});

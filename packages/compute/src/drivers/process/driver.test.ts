import { describe, it } from 'vitest';
import { runDriverConformance } from '../../testing/conformance.js';
import { makeProcessHarness } from '../../testing/process/harness.js';

runDriverConformance({
  name: 'process with bubblewrap',
  places: 'isolated',
  makeHarness: () => makeProcessHarness('bubblewrap'),
  describe,
  it,
});

runDriverConformance({
  name: 'process without isolation',
  places: 'open',
  makeHarness: () => makeProcessHarness('none'),
  describe,
  it,
});

import { describe, it } from 'vitest';
import { runDriverConformance } from '../../testing/conformance.js';
import { makeDockerHarness } from '../../testing/docker/harness.js';
import { providedEngine } from '../../testing/engine.js';

const { socketPath, sessionImage: image } = providedEngine();
const host = `unix://${socketPath}`;

runDriverConformance({
  name: 'docker with runc',
  places: 'isolated',
  limits: true,
  makeHarness: () => makeDockerHarness({ host, image, runtime: 'runc' }),
  describe,
  it,
});

// This release of gVisor is run without cgroups, see the engine's settings.
runDriverConformance({
  name: 'docker with gVisor',
  places: 'isolated',
  limits: false,
  makeHarness: () => makeDockerHarness({ host, image, runtime: 'runsc' }),
  describe,
  it,
});

/** Testing aids: the drivers' contract as a suite, and a driver that misbehaves on request. */
export { runDriverConformance } from './conformance.js';
export type { DriverSuite } from './conformance.js';
export type { DriverHarness, InsideHarness } from './conformance-harness.js';
export { createFakeDriver, createFakeWorld } from './fake.js';
export type { FakeBehaviour, FakeDriver, FakeOptions, FakePlace, FakeVerb, FakeWorld } from './fake.js';
export { askInside, probeAgentCommand, probeListenVariable } from './probe-agent.js';
export { providedEngine } from './engine.js';
export type { TestEngine } from './engine.js';
export { startRecordingEngine } from './docker/recording-engine.js';

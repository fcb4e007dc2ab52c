/** Steps that the parts of the conformance suite share. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Driver, PlaceHandle, PlaceReport, PlaceSpec, StartedPlace } from '../driver.js';
import type { DriverHarness, RealHarness } from './conformance-harness.js';
import { askInside, probeAgentCommand, probeListenVariable } from './probe-agent.js';

export function newId(kind: string): string {
  return `${kind}-${randomUUID().slice(0, 13)}`;
}

export function specFor({ base, commands }: DriverHarness, change: Partial<PlaceSpec> = {}): PlaceSpec {
  const ids = { sessionId: newId('session'), placeId: newId('place') };
  return { ...ids, disk: 'new', command: commands.idle, ...base, ...change };
}

/** Waits up to 30 s; rejects with the last report. */
export async function untilStatus(
  driver: Driver,
  handle: PlaceHandle,
  status: PlaceReport['status'],
): Promise<PlaceReport> {
  const end = performance.now() + 30_000;
  for (;;) {
    const report = await driver.inspect(handle);
    if (report.status === status) return report;
    if (performance.now() > end) throw new Error(`not ${status} in time: ${JSON.stringify(report)}`);
    await sleep(20);
  }
}

export interface ProbedPlace extends StartedPlace {
  spec: PlaceSpec;
  ask(code: string): Promise<unknown>;
}

/** Starts a place whose command answers questions. */
export async function startProbe(harness: RealHarness, change: Partial<PlaceSpec> = {}): Promise<ProbedPlace> {
  const spec = specFor(harness, change);
  spec.command = probeAgentCommand(harness.inside.node);
  const listen = harness.driver.layout(spec.sessionId).agentSocket ?? '8080';
  spec.environment = { ...spec.environment, [probeListenVariable]: listen };
  const started = await harness.driver.start(spec);
  return { ...started, spec, ask: (code) => askInside(started.agent, code) };
}

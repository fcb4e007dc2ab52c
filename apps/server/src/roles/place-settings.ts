// What the configuration means for places and for the links to their agents. Pure.

import { ComputeError, type PlaceLimits } from '@remote-claude/compute';

import type { PlacesDeps } from '../features/places/index.js';
import type { ImageRules, ResourceRules } from '../features/sessions/index.js';
import type { Config } from '../platform/config/config.js';

export const linkTiming = ({ timing }: Config) => ({
  heartbeatMs: timing.heartbeatMs,
  deadMs: timing.heartbeatTimeoutMs,
  minRetryMs: timing.retryMinMs / 10,
  maxRetryMs: timing.retryMinMs * 2,
});

/** What keeps a session in its place. */
export const placeIsolation = ({ compute: { driver, isolation } }: Config) =>
  driver === 'docker' ? 'container' : isolation;

export const placeLimits = ({ compute }: Config, resources: Pick<ResourceRules, 'of'>) => {
  const { processes, openFiles } = compute.limits;
  return (config: unknown): PlaceLimits => {
    const { cpus, memoryMb } = resources.of(config);
    return { cpus, memoryBytes: memoryMb * 2 ** 20, processes, openFiles };
  };
};

/** What is allowed may have become less since the session was made. */
export const placeImage =
  (images: Pick<ImageRules, 'of' | 'refusalOf'>) =>
  (config: unknown): string | null => {
    const image = images.of(config);
    const refusal = image === null ? null : images.refusalOf(image);
    if (refusal !== null) throw new ComputeError('start_failed', `${refusal} Choose another for this session.`);
    return image;
  };

/** Places at once: one per GiB that they can use, and a few in any case. */
export const placeCapacity = ({ compute }: Config, memoryBytes: number): number =>
  compute.capacity ?? Math.max(4, Math.floor(memoryBytes / 2 ** 30));

export const placeTiming = (config: Config): PlacesDeps['timing'] => {
  const { retention, sessions, timing } = config;
  return {
    ...linkTiming(config),
    reconcileMs: timing.reconcileMs,
    startTimeoutMs: timing.placeStartMs,
    unreachableGraceMs: timing.unreachableGraceMs,
    forkWaitMs: timing.forkWaitMs,
    stableMs: timing.retryMinMs * 5,
    retryMs: timing.retryMinMs,
    longestRetryMs: timing.retryMaxMs,
    maxAttempts: 3,
    maxDurationMs: sessions.maxDurationMs,
    diskRetentionMs: retention.sessionsMs,
    warnBeforeMs: sessions.stopGraceMs,
    turnGraceMs: sessions.stopGraceMs,
    stopGraceMs: timing.placeStopMs,
  };
};

// What to do next for one session, from what is wanted, what is written down and what is seen. Pure.

import type { SessionState } from '@remote-claude/contract';

export interface PlaceTiming {
  /** How long a new place's agent may take to answer. */
  startTimeoutMs: number;
  /** A place that lived for so long was a good start: failures before it no longer count. */
  stableMs: number;
  /** Pause before the second try; four times longer before each further one, up to `longestRetryMs`. */
  retryMs: number;
  longestRetryMs: number;
  maxAttempts: number;
  /** Without any sign for so long the session is shown as unreachable. */
  deadMs: number;
  /** Longest life of a place; null for none. */
  maxDurationMs: number | null;
  /** How long before its end people are warned. */
  warnBeforeMs: number;
  /** How long a running turn may go on after that end. */
  turnGraceMs: number;
}

export interface Sight {
  wanted: 'running' | 'stopped' | 'terminated';
  state: Pick<SessionState, 'place' | 'turn'>;
  placeId: string | null;
  hasHandle: boolean;
  startedAtMs: number | null;
  reached: boolean;
  retryAtMs: number | null;
  /** What the driver says of the recorded place; null where there is no handle to ask by. */
  report: { alive: boolean; reason: string | null } | null;
  link: { up: boolean; silentMs: number };
  nowMs: number;
}

export type Decision =
  | { do: 'nothing'; againInMs: number | null }
  /** `fresh`: under a new id; else once more under the recorded one, whose handle was never written down. */
  | { do: 'start'; fresh: boolean }
  | { do: 'stop' }
  /** Nothing is there and nothing is wanted: write it down. */
  | { do: 'settle' }
  /** The place ended by itself. */
  | { do: 'bury'; reason: string }
  /** The place runs and its agent never answered. */
  | { do: 'abandon'; reason: string }
  | { do: 'mark'; status: 'running' | 'unreachable' }
  | { do: 'warn'; endsAtMs: number }
  | { do: 'expire' };

const nothing = (againInMs: number | null = null): Decision => ({ do: 'nothing', againInMs });

export const decide = (sight: Sight, timing: PlaceTiming): Decision => {
  const { placeId, report, state } = sight;
  if (sight.wanted !== 'running') {
    if (placeId !== null) return { do: 'stop' };
    return state.place.status === 'stopped' ? nothing() : { do: 'settle' };
  }
  if (placeId === null) {
    if (state.place.status === 'failed') return nothing();
    const pauseMs = (sight.retryAtMs ?? 0) - sight.nowMs;
    return pauseMs > 0 ? nothing(pauseMs) : { do: 'start', fresh: true };
  }
  if (!sight.hasHandle || report === null) return { do: 'start', fresh: false };
  if (!report.alive) return { do: 'bury', reason: report.reason ?? 'The place of this session ended by itself.' };
  return sight.link.up ? decideReached(sight, timing) : decideSilent(sight, timing);
};

const decideSilent = ({ link, reached, startedAtMs, nowMs, state }: Sight, timing: PlaceTiming): Decision => {
  if (!reached) {
    const leftMs = (startedAtMs ?? nowMs) + timing.startTimeoutMs - nowMs;
    if (leftMs > 0) return nothing(leftMs);
    return {
      do: 'abandon',
      reason: `The session did not answer within ${Math.round(timing.startTimeoutMs / 1000)} s of its start.`,
    };
  }
  // It may still work on its turn: nothing is ended, and no second one is started.
  if (state.place.status === 'unreachable') return nothing();
  return link.silentMs > timing.deadMs
    ? { do: 'mark', status: 'unreachable' }
    : nothing(timing.deadMs - link.silentMs + 1);
};

const decideReached = ({ state, reached, startedAtMs, nowMs }: Sight, timing: PlaceTiming): Decision => {
  if (state.place.status !== 'running' || !reached) return { do: 'mark', status: 'running' };
  if (timing.maxDurationMs === null || startedAtMs === null) return nothing();
  const endsAtMs = startedAtMs + timing.maxDurationMs;
  const leftMs = endsAtMs - nowMs;
  if (leftMs > 0) {
    if (leftMs > timing.warnBeforeMs) return nothing(leftMs - timing.warnBeforeMs);
    return state.place.reason === null ? { do: 'warn', endsAtMs } : nothing(leftMs);
  }
  if (state.turn === null || leftMs <= -timing.turnGraceMs) return { do: 'expire' };
  return nothing(timing.turnGraceMs + leftMs);
};

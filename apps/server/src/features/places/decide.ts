// What to do next for one session, from what is wanted, what is written down and what is seen. Pure.

import type { SessionState } from '@remote-claude/contract';

import { waitedTooLong, type LastWords } from './filling-words.js';
import { lineWords, wayIn, type Line } from './line.js';
import { stumbleWords, tryingAgain, type PlaceWords } from './stumble.js';

export interface PlaceTiming {
  /** How long a new place's agent may take to answer. */
  startTimeoutMs: number;
  /** A place that lived for so long was a good start: failures before it no longer count. */
  stableMs: number;
  /** Pause before the second try, doubled before each further one up to the longest. */
  retryMs: number;
  longestRetryMs: number;
  maxAttempts: number;
  /** Without any sign for so long the session is shown as unreachable. */
  deadMs: number;
  /** Shown as unreachable for so long it is ended and started again. */
  unreachableGraceMs: number;
  /** A fork whose source does not run for so long gives its place back. */
  forkWaitMs: number;
  /** Longest life of a place; null for none. */
  maxDurationMs: number | null;
  /** How long before its end people are warned. */
  warnBeforeMs: number;
  /** How long the disk of a terminated session stays. */
  diskRetentionMs: number;
  /** How long a running turn may go on after that end. */
  turnGraceMs: number;
}

/** Why a place cannot be started on the engine yet. */
export interface Unprepared {
  /** What is done now, in words; null while nobody said. */
  step: string | null;
  /** Of the last try, until one succeeds. */
  failure: { reason: string; isOver: boolean } | null;
  /** When to look again; null where that is told. */
  againInMs: number | null;
}

export interface Sight {
  wanted: 'running' | 'stopped' | 'terminated';
  state: Pick<SessionState, 'place' | 'turn'>;
  /** Of a fork whose files are not all there. */
  filling: {
    isUnderWay: boolean;
    /** How long the next try waits. */
    pauseMs: number;
    /** Why there is none before a person asks. */
    over: LastWords | null;
    waitsFor: { name: string; sinceMs: number } | null;
  } | null;
  placeId: string | null;
  /** This place is to make room for another one of the session. */
  isReplaced: boolean;
  hasHandle: boolean;
  startedAtMs: number | null;
  reached: boolean;
  retryAtMs: number | null;
  /** Where it stands in line; null where it needs no place. */
  line: Line | null;
  /** What the engine lacks of what its place is made of; null where nothing does, or it is not its turn. */
  unprepared: Unprepared | null;
  /** When the disk of a terminated session is to go; null where there is none to remove. */
  diskUntilMs: number | null;
  /** What the driver says of the recorded place; null where there is no handle to ask by. */
  report: {
    alive: boolean;
    /** For good: only another place helps. */
    cutOff: boolean;
    /** Of one that is alive: why it does nothing now. */
    reason: string | null;
  } | null;
  link: { up: boolean; silentMs: number };
  /** How long this server has known it as unreachable, and has tried to reach it. */
  unreachableMs: number;
  /** Why what the agent says is not kept now, and for how long still. */
  notKept: { why: string; forMs: number } | null;
  nowMs: number;
}

export interface RunningWords {
  reason: string | null;
  next: string | null;
}

export type Decision =
  | { do: 'nothing'; againInMs: number | null }
  /** `fresh`: under a new id; else once more under the recorded one, whose handle was never written down. */
  | { do: 'start'; fresh: boolean }
  | { do: 'stop' }
  /** It was terminated long enough ago. */
  | { do: 'remove-disk' }
  /** Nothing is there and nothing is wanted: write it down. */
  | { do: 'settle' }
  /** The place ended by itself. */
  | { do: 'bury'; reason: string }
  /** The place runs, and nobody reaches it or ever did. */
  | { do: 'abandon'; reason: string }
  | { do: 'mark'; status: 'starting' | 'running' | 'unreachable'; reason?: string }
  /** The engine is brought what its place is made of, or that failed; `retryInMs` where it waits as failed. */
  | { do: 'unprepared'; words: PlaceWords; retryInMs: number | null }
  /** There is no room: it waits in line. */
  | ({ do: 'queue' } & RunningWords)
  /** What people should know of a session that works. */
  | ({ do: 'tell' } & RunningWords)
  /** The files of a fork are to come. */
  | { do: 'fill' }
  /** They do not come: its place is free for another. */
  | { do: 'give-back'; words: LastWords }
  /** It is to stop by itself. */
  | { do: 'expire'; words: LastWords };

const nothing = (againInMs: number | null = null): Decision => ({ do: 'nothing', againInMs });

export const decide = (sight: Sight, timing: PlaceTiming): Decision => {
  const { placeId, report, state } = sight;
  if (sight.wanted !== 'running') {
    if (placeId !== null) return { do: 'stop' };
    if (state.place.status !== 'stopped') return { do: 'settle' };
    // One whose time has not come is found by the rounds.
    return sight.diskUntilMs !== null && sight.diskUntilMs <= sight.nowMs ? { do: 'remove-disk' } : nothing();
  }
  if (placeId === null) {
    if (state.place.status === 'failed' && sight.retryAtMs === null) return nothing();
    const pauseMs = (sight.retryAtMs ?? 0) - sight.nowMs;
    // No pause is longer than the longest: then the clock was set back since.
    return pauseMs > 0 && pauseMs <= timing.longestRetryMs ? nothing(pauseMs) : decideWaiting(sight);
  }
  if (sight.isReplaced) return { do: 'stop' };
  if (!sight.hasHandle || report === null) return { do: 'start', fresh: false };
  if (!report.alive) return { do: 'bury', reason: report.reason ?? 'The place of this session ended by itself.' };
  if (report.cutOff) return { do: 'abandon', reason: cutOffReason };
  return sight.link.up ? decideReached(sight, timing) : decideSilent(sight, timing);
};

const decideWaiting = ({ line, unprepared, state: { place } }: Sight): Decision => {
  if (line === null || wayIn(line) !== 'none')
    return unprepared === null ? { do: 'start', fresh: true } : decideUnprepared(unprepared, place);
  // The others are woken when the line moves.
  const probeInMs = line.ahead === 0 ? (line.refusal?.probeInMs ?? 0) : 0;
  const later = nothing(probeInMs > 0 ? probeInMs : null);
  // A session that is known as failed is tried in silence, and waits so.
  if (place.status === 'failed') return later;
  const words = lineWords(line);
  const isSaid = place.status === 'queued' && place.reason === words.reason && place.next === words.next;
  return isSaid ? later : { do: 'queue', ...words };
};

/** What is done is told as it comes, and what failed until it is tried again. One that is known as failed waits in silence. */
const decideUnprepared = ({ step, failure, againInMs }: Unprepared, place: SessionState['place']): Decision => {
  const later = nothing(againInMs);
  if (againInMs === null) {
    const isQuiet = step === null || failure?.isOver === true || (place.status === 'starting' && place.step === step);
    return isQuiet ? later : { do: 'unprepared', words: { status: 'starting', step }, retryInMs: null };
  }
  if (failure === null) return later;
  const seen = { wanted: 'running', status: place.status, hasPlace: false, reached: false } as const;
  const words = stumbleWords(seen, failure.reason, failure.isOver);
  if (words.status === 'failed') return { do: 'unprepared', words, retryInMs: againInMs };
  return place.step === words.step && place.reason === words.reason
    ? later
    : { do: 'unprepared', words, retryInMs: null };
};

/** The pause after so many failures in a row. */
export const pauseAfterMs = (failures: number, { retryMs, longestRetryMs }: PlaceTiming): number =>
  Math.min(longestRetryMs, retryMs * 2 ** Math.min(30, Math.max(0, failures - 1)));

export const cutOffReason = 'Nothing reaches this session any more: the folder of its sockets is gone.';
export const unreachableReason = 'The session does not answer; it may still be running.';

const silentReason = (graceMs: number): string =>
  `The session did not answer for ${Math.round(graceMs / 1000)} s and was ended, so that it can start again.`;

const decideSilent = (
  { link, unreachableMs, reached, report, startedAtMs, nowMs, state }: Sight,
  timing: PlaceTiming,
): Decision => {
  const { status, step, reason } = state.place;
  // Whoever has stopped it from outside lets it go on; its turn is not ended for that.
  const held = report?.reason ?? null;
  if (held !== null)
    return status === 'unreachable' && reason === held
      ? nothing()
      : { do: 'mark', status: 'unreachable', reason: held };
  if (!reached) {
    // What a failure left to read is over.
    if (status === 'failed' || status === 'none' || status === 'queued' || step === tryingAgain)
      return { do: 'mark', status: 'starting' };
    // Nobody dialled while the engine or this server was away: that time is not the agent's.
    // And one that starts later than now is told by a clock that was set back since.
    const livedMs = nowMs - (startedAtMs ?? nowMs);
    const waitedMs = livedMs < 0 ? link.silentMs : Math.min(livedMs, link.silentMs);
    if (waitedMs < timing.startTimeoutMs) return nothing(timing.startTimeoutMs - waitedMs);
    return {
      do: 'abandon',
      reason: `The session did not answer within ${Math.round(timing.startTimeoutMs / 1000)} s of its start.`,
    };
  }
  // It may still work on its turn: for a while nothing is ended, and no second one is started before it is.
  if (status === 'unreachable' && reason === unreachableReason) {
    const leftMs = timing.unreachableGraceMs - unreachableMs;
    return leftMs > 0 ? nothing(leftMs) : { do: 'abandon', reason: silentReason(timing.unreachableGraceMs) };
  }
  if (status === 'unreachable') return { do: 'mark', status: 'unreachable' };
  return link.silentMs > timing.deadMs
    ? { do: 'mark', status: 'unreachable' }
    : nothing(timing.deadMs - link.silentMs + 1);
};

const decideReached = (sight: Sight, timing: PlaceTiming): Decision => {
  const { state, reached, startedAtMs, nowMs, notKept } = sight;
  const { status, reason, next } = state.place;
  const endsAtMs = timing.maxDurationMs === null || startedAtMs === null ? null : startedAtMs + timing.maxDurationMs;
  const leftMs = endsAtMs === null ? Infinity : endsAtMs - nowMs;
  if (leftMs <= 0 && (state.turn === null || leftMs <= -timing.turnGraceMs)) return { do: 'expire', words: longest };
  if (sight.filling !== null) return decideFilling(sight.filling, { nowMs, leftMs }, timing);
  if (status !== 'running' || !reached) return { do: 'mark', status: 'running' };
  const isNear = leftMs <= timing.warnBeforeMs;
  const words = runningWords(isNear ? endsAtMs : null, notKept?.why ?? null);
  if (words.reason !== reason || words.next !== next) return { do: 'tell', ...words };
  const changesInMs = leftMs <= 0 ? timing.turnGraceMs + leftMs : isNear ? leftMs : leftMs - timing.warnBeforeMs;
  const againInMs = Math.min(changesInMs, notKept?.forMs ?? Infinity);
  return nothing(againInMs === Infinity ? null : againInMs);
};

const longest: LastWords = {
  reason: 'This session reached its longest duration.',
  next: 'Start it again to go on.',
};

/** Until its files are there a fork is starting. It has its place only for as long as they may come. */
const decideFilling = (
  { isUnderWay, pauseMs, over, waitsFor }: NonNullable<Sight['filling']>,
  { nowMs, leftMs }: { nowMs: number; leftMs: number },
  { forkWaitMs }: PlaceTiming,
): Decision => {
  if (isUnderWay) return nothing(leftMs === Infinity ? null : leftMs);
  if (over !== null) return { do: 'give-back', words: over };
  const waitedMs = waitsFor === null ? 0 : Math.max(0, nowMs - waitsFor.sinceMs);
  if (waitsFor !== null && waitedMs >= forkWaitMs)
    return { do: 'expire', words: waitedTooLong(waitsFor.name, waitedMs) };
  return pauseMs > 0 ? nothing(Math.min(pauseMs, leftMs)) : { do: 'fill' };
};

/** Both may be true at once. What is true no longer is not said any more. */
const runningWords = (endsAtMs: number | null, notKept: string | null): RunningWords => {
  const said: { reason: string; next: string }[] = [];
  if (endsAtMs !== null) {
    const at = new Date(endsAtMs).toISOString().slice(11, 16);
    said.push({
      reason: `This session reaches its longest duration at ${at} UTC and stops after the running turn.`,
      next: 'Its files and its history stay; start it again to go on.',
    });
  }
  if (notKept !== null)
    said.push({ reason: notKept, next: 'It goes on; what Claude says and does meanwhile is not kept here.' });
  const [first] = said;
  if (first === undefined) return { reason: null, next: null };
  return { reason: said.map(({ reason }) => reason).join(' '), next: said.map(({ next }) => next).join(' ') };
};

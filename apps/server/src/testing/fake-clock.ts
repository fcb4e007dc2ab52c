// A clock that moves only when a test says so.

import type { Clock } from '../platform/clock.js';

export interface FakeClock extends Clock {
  /** Moves both clocks on and runs what falls due, in order of time. */
  advance(ms: number): void;
  /** Sets the wall clock alone, as an administrator or NTP would. */
  setWallClock(time: Date): void;
  /** How much is to fall due. */
  planned(): number;
}

export function createFakeClock(start = new Date('2026-01-01T00:00:00Z')): FakeClock {
  let wallMs = start.getTime();
  let elapsedMs = 0;
  let planned: { dueMs: number; action: () => void }[] = [];

  function nextDue(untilMs: number) {
    const due = planned.filter((entry) => entry.dueMs <= untilMs);
    return due.reduce<(typeof due)[number] | undefined>(
      (first, entry) => (first === undefined || entry.dueMs < first.dueMs ? entry : first),
      undefined,
    );
  }

  function moveTo(targetMs: number) {
    wallMs += targetMs - elapsedMs;
    elapsedMs = targetMs;
  }

  return {
    now: () => new Date(wallMs),
    monotonicMs: () => elapsedMs,
    after(delayMs, action) {
      const entry = { dueMs: elapsedMs + Math.max(0, delayMs), action };
      planned.push(entry);
      return () => {
        planned = planned.filter((other) => other !== entry);
      };
    },
    advance(ms) {
      const targetMs = elapsedMs + ms;
      for (let entry = nextDue(targetMs); entry !== undefined; entry = nextDue(targetMs)) {
        const current = entry;
        planned = planned.filter((other) => other !== current);
        moveTo(current.dueMs);
        current.action();
      }
      moveTo(targetMs);
    },
    setWallClock(time) {
      wallMs = time.getTime();
    },
    planned: () => planned.length,
  };
}

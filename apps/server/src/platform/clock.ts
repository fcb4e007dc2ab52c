// Time as a port, so that a test can move it. It knows no schedule and no rule.

/** Stops what `after` has planned; harmless when it has already run. */
export type Cancel = () => void;

export interface Clock {
  /** Wall-clock time, for rows and messages. It can jump in either direction. */
  now(): Date;
  /** Milliseconds that only grow, for measuring how long something takes. */
  monotonicMs(): number;
  /** Runs `action` once, `delayMs` from now. A planned action does not keep the process alive. */
  after(delayMs: number, action: () => void): Cancel;
}

export function createSystemClock(): Clock {
  return {
    now: () => new Date(),
    monotonicMs: () => performance.now(),
    after(delayMs, action) {
      const timer = setTimeout(action, delayMs);
      timer.unref();
      return () => clearTimeout(timer);
    },
  };
}

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

/** What fits into a timer of Node's. */
const longestTimeoutMs = 2 ** 31 - 1;

export function createSystemClock(): Clock {
  return {
    now: () => new Date(),
    monotonicMs: () => performance.now(),
    after(delayMs, action) {
      let timer: NodeJS.Timeout;
      // A longer timeout would run at once; so it is waited for in pieces.
      const wait = (leftMs: number): void => {
        timer = setTimeout(
          leftMs > longestTimeoutMs ? () => wait(leftMs - longestTimeoutMs) : action,
          Math.min(leftMs, longestTimeoutMs),
        );
        timer.unref();
      };
      wait(delayMs);
      return () => clearTimeout(timer);
    },
  };
}

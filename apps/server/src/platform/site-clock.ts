// The time of the site: the database's, so that all servers agree whatever their machines' clocks say, and a clock that is
// set while one runs moves nothing. Between two looks at it the machine's monotonic time counts. It knows no SQL.

import type { Cancel, Clock } from './clock.js';
import type { Log } from './log.js';

export interface SiteClockDeps {
  machine: Clock;
  /** What the database says the time is. */
  ask(): Promise<Date>;
  log: Log;
  everyMs?: number;
}

export interface SiteClock extends Clock {
  close(): void;
}

/** An answer that took longer says too little. */
const longestAnswerMs = 1_000;
/** People are told of a difference that they would notice. */
const noticedMs = 5_000;

/** Rejects where the database does not answer. */
export const createSiteClock = async ({ machine, ask, log, everyMs = 15_000 }: SiteClockDeps): Promise<SiteClock> => {
  /** The site's time at monotonic zero. */
  let zeroMs = Number.NaN;
  let cancel: Cancel = () => {};
  let closed = false;

  const look = async (): Promise<void> => {
    const askedMs = machine.monotonicMs();
    const saidMs = (await ask()).getTime();
    const tookMs = machine.monotonicMs() - askedMs;
    const nextMs = saidMs - askedMs - tookMs / 2;
    const isFirst = Number.isNaN(zeroMs);
    // Within what the answer may be wrong by, the time we have is as good.
    if (isFirst || (tookMs <= longestAnswerMs && Math.abs(nextMs - zeroMs) > tookMs / 2 + 1)) zeroMs = nextMs;
    const offMs = Math.round(machine.now().getTime() - zeroMs - machine.monotonicMs());
    if (isFirst && Math.abs(offMs) > noticedMs)
      log.warn({ offMs }, 'the clock of this machine differs from that of the database, which counts');
  };
  const plan = (): void => {
    if (closed) return;
    cancel = machine.after(everyMs, () => {
      // While the database is away nothing is written, and monotonic time goes on.
      look().then(plan, plan);
    });
  };
  await look();
  plan();

  return {
    now: () => new Date(zeroMs + machine.monotonicMs()),
    monotonicMs: machine.monotonicMs,
    after: machine.after,
    close() {
      closed = true;
      cancel();
    },
  };
};

// Brings the engine what places are made of, before one is named: the fetching of an image is no part of a place's start. It
// says how far that is and why it failed, and tries again. It knows no row and writes nothing down.

import { ComputeError, wordsOfPreparing, type Driver, type PlaceNeeds, type Preparing } from '@remote-claude/compute';

import type { Cancel, Clock } from '../../platform/clock.js';
import type { Log } from '../../platform/log.js';
import { pauseAfterMs, type PlaceTiming, type Unprepared } from './decide.js';

export interface PreparationDeps {
  driver: Pick<Driver, 'prepare'>;
  clock: Clock;
  log: Log;
  timing: PlaceTiming;
  /** Something is to be seen of what this session waits for. */
  again(sessionId: string): void;
}

interface Entry {
  isUnderWay: boolean;
  /** Resolves with its first words or its end: where all is there that is a moment. */
  told: Promise<void>;
  latest: Preparing | null;
  shown: Preparing | null;
  shownAtMs: number;
  cancelShow: Cancel;
  /** In a row. */
  failures: number;
  reason: string | null;
  pausedUntilMs: number;
  waiting: Set<string>;
  /** Who waited when all was there, and is not made to wait for another look. */
  served: Set<string>;
}

const newEntry = (): Entry => ({
  isUnderWay: false,
  told: Promise.resolve(),
  latest: null,
  shown: null,
  shownAtMs: -Infinity,
  cancelShow: () => {},
  failures: 0,
  reason: null,
  pausedUntilMs: -Infinity,
  waiting: new Set(),
  served: new Set(),
});

/** Each is an event in the log of every session that waits. */
const shownEveryMs = 2_000;

export const createPreparation = ({ driver, clock, log, timing, again }: PreparationDeps) => {
  const entries = new Map<string, Entry>();
  let cancelAhead: Cancel = () => {};
  let closed = false;

  /** Who still waits asks again, and is then told again. */
  const wake = (entry: Entry): void => {
    const { waiting } = entry;
    entry.waiting = new Set();
    if (!closed) for (const sessionId of waiting) again(sessionId);
  };

  const show = (entry: Entry): void => {
    entry.shown = entry.latest;
    entry.shownAtMs = clock.monotonicMs();
    wake(entry);
  };

  const hear = (entry: Entry, how: Preparing): void => {
    entry.latest = how;
    entry.cancelShow();
    const inMs = entry.shownAtMs + shownEveryMs - clock.monotonicMs();
    if (inMs > 0) entry.cancelShow = clock.after(inMs, () => show(entry));
    else show(entry);
  };

  const bring = async (entry: Entry, needs: PlaceNeeds, tell: () => void): Promise<void> => {
    try {
      await driver.prepare(needs, (how) => {
        if (entry.latest?.what !== how.what || entry.latest.percent !== how.percent) hear(entry, how);
        tell();
      });
      Object.assign(entry, { failures: 0, reason: null, pausedUntilMs: -Infinity, served: entry.waiting });
    } catch (err) {
      entry.failures += 1;
      entry.reason = err instanceof ComputeError ? err.message : unknownReason;
      entry.pausedUntilMs = clock.monotonicMs() + pauseAfterMs(entry.failures, timing);
      if (!closed)
        log.warn(
          { err, image: needs.image, failures: entry.failures },
          'what sessions are made of could not be brought',
        );
    }
    entry.cancelShow();
    Object.assign(entry, { isUnderWay: false, latest: null, shown: null });
    tell();
    wake(entry);
  };

  const begin = (entry: Entry, needs: PlaceNeeds): void => {
    entry.isUnderWay = true;
    entry.told = new Promise((tell) => void bring(entry, needs, tell));
  };

  /** Whether a place with these needs can be started; where not, `again` is called when there is something to be seen. */
  const look = async (sessionId: string | null, needs: PlaceNeeds): Promise<Unprepared | null> => {
    const key = JSON.stringify([needs.image ?? null, needs.readOnlyMounts ?? []]);
    const entry = entries.get(key) ?? newEntry();
    entries.set(key, entry);
    const pauseMs = (): number => entry.pausedUntilMs - clock.monotonicMs();
    if (!entry.isUnderWay && sessionId !== null && entry.served.delete(sessionId)) return null;
    if (!entry.isUnderWay && pauseMs() <= 0) begin(entry, needs);
    await entry.told;
    const { failures, isUnderWay, reason, shown } = entry;
    if (!isUnderWay && failures === 0) {
      entries.delete(key);
      return null;
    }
    if (sessionId !== null) entry.waiting.add(sessionId);
    return {
      step: shown === null ? null : wordsOfPreparing(shown),
      failure: reason === null ? null : { reason, isOver: failures >= timing.maxAttempts },
      againInMs: isUnderWay ? null : Math.max(0, pauseMs()),
    };
  };

  return {
    look,

    /** Before anybody waits, and until it is done. */
    ahead(needs: PlaceNeeds): void {
      const lookOn = async (): Promise<void> => {
        const found = await look(null, needs);
        if (found !== null && !closed) cancelAhead = clock.after(found.againInMs ?? shownEveryMs, () => void lookOn());
      };
      void lookOn();
    },

    /** Somebody wants something now: what failed is tried again at once. */
    hurry(): void {
      for (const entry of entries.values()) entry.pausedUntilMs = -Infinity;
    },

    close(): void {
      closed = true;
      cancelAhead();
      for (const { cancelShow } of entries.values()) cancelShow();
    },
  };
};

const unknownReason = 'What sessions are made of could not be brought to the engine; the log has the details.';

// Counts what the steps of places come to: those that end and why, and how long people wait for one that starts. It decides
// nothing, and a server that ends forgets who waited.

import type { Clock } from '../../platform/clock.js';
import type { PlaceMetrics } from '../../platform/metrics/index.js';
import { cutOffReason } from './decide.js';
import type { Steps } from './steps.js';
import type { PlaceRow } from './store.js';

interface Wish {
  after: 'create' | 'start';
  sinceMs: number;
}

/** A session that was made longer before its wish than this was there before. */
const madeForItMs = 5_000;
const maxWaiting = 10_000;

/** Since when somebody has waited for each session that starts. */
const createWishes = () => {
  const waiting = new Map<string, Wish>();
  /** Whose next sight says nothing new. */
  const kept = new Set<string>();
  return {
    see({ sessionId, state, createdAt }: PlaceRow): void {
      const { status, since } = state.place;
      // It is in line since the wish was seen first; words about its turn are newer.
      if (status === 'queued' || kept.delete(sessionId)) return;
      waiting.delete(sessionId);
      if (status !== 'none' || since === null || waiting.size >= maxWaiting) return;
      const sinceMs = Date.parse(since);
      waiting.set(sessionId, { after: sinceMs - createdAt.getTime() < madeForItMs ? 'create' : 'start', sinceMs });
    },
    granted(sessionId: string, nowMs: number): { after: Wish['after']; ms: number } | null {
      const wish = waiting.get(sessionId);
      waiting.delete(sessionId);
      return wish === undefined ? null : { after: wish.after, ms: nowMs - wish.sinceMs };
    },
    /** It waits for what its place is made of, and that is told. */
    keep: (sessionId: string): void => void (waiting.has(sessionId) && kept.add(sessionId)),
    forget(sessionId: string): void {
      waiting.delete(sessionId);
      kept.delete(sessionId);
    },
  };
};

export interface CountedStepsDeps {
  clock: Clock;
  /** Nobody counts where it is left out. */
  metrics?: PlaceMetrics | undefined;
}

export const createCountedSteps = (steps: Steps, { clock, metrics }: CountedStepsDeps): Steps => {
  if (metrics === undefined) return steps;
  const wishes = createWishes();
  const ended = ({ sessionId }: PlaceRow, reason: Parameters<PlaceMetrics['ended']>[0]): void => {
    wishes.forget(sessionId);
    metrics.ended(reason);
  };
  return {
    ...steps,
    async start(seen, fresh) {
      if (fresh) wishes.see(seen);
      await steps.start(seen, fresh);
    },
    async queue(row, words) {
      wishes.see(row);
      await steps.queue(row, words);
    },
    async unprepared(row, how) {
      wishes.see(row);
      wishes.keep(row.sessionId);
      await steps.unprepared(row, how);
    },
    async mark(row, how) {
      await steps.mark(row, how);
      if (how.status !== 'running' || row.reachedAt !== null || row.startedAt === null) return;
      const nowMs = clock.now().getTime();
      metrics.reached({ sinceBegunMs: nowMs - row.startedAt.getTime(), wish: wishes.granted(row.sessionId, nowMs) });
    },
    async stop(row) {
      await steps.stop(row);
      ended(row, 'stopped');
    },
    async giveBack(row, words) {
      await steps.giveBack(row, words);
      ended(row, 'stopped');
    },
    async settle(row) {
      await steps.settle(row);
      wishes.forget(row.sessionId);
    },
    async bury(row, reason) {
      await steps.bury(row, reason);
      ended(row, 'ended_itself');
    },
    async abandon(row, reason) {
      await steps.abandon(row, reason);
      ended(row, reason === cutOffReason ? 'cut_off' : row.reachedAt === null ? 'never_answered' : 'unreachable');
    },
    async stopSuperseded(found, owner) {
      await steps.stopSuperseded(found, owner);
      metrics.ended('superseded');
    },
  };
};

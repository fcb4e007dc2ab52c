// How much a session may add to its log in an hour and in a day. It knows no store; its count begins anew with the server.
// What keeps a session in order (turns, approvals, terminals) has a share of its own, so that a full log wedges nothing.

import type { EventType } from '@remote-claude/contract';

import type { Clock } from '../../platform/clock.js';
import { createPace, type Pace } from '../../platform/pace.js';

export interface QuotaLimits {
  perHour: number;
  perDay: number;
  bytesPerDay: number;
}

export interface Closed {
  why: string;
  forMs: number;
}

export interface Quota {
  /** Why an event of so many bytes is not stored; null where it is. */
  refuses(type: string, bytes: number): string | null;
  /** Why the log is closed now to what is only shown, and for how long still. */
  closed(): Closed | null;
}

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
/** Closed for so long once it is full: open for one event at a time would be neither. */
const closedMs = 10 * 60_000;

/** Many times what ten busy subagents write. */
const quotaLimits: QuotaLimits = { perHour: 100_000, perDay: 500_000, bytesPerDay: 2 * 2 ** 30 };
const orderlyShare = 0.2;

/** Shown and nothing else: the session goes on without them. A refused command is the end of its row, so it is none. */
const content: ReadonlySet<EventType> = new Set([
  'text',
  'thinking',
  'tool.called',
  'tool.finished',
  'todo.changed',
  'context.compacted',
  'terminal.renamed',
]);

const createBuckets = (
  clock: Clock,
  { perHour, perDay, bytesPerDay }: QuotaLimits,
): { pace: Pace; ofBytes: boolean; word: string }[] => [
  {
    pace: createPace(clock, { perSecond: (perHour / hourMs) * 1000, burst: perHour }),
    ofBytes: false,
    word: 'an hour',
  },
  { pace: createPace(clock, { perSecond: (perDay / dayMs) * 1000, burst: perDay }), ofBytes: false, word: 'a day' },
  {
    pace: createPace(clock, { perSecond: (bytesPerDay / dayMs) * 1000, burst: bytesPerDay }),
    ofBytes: true,
    word: 'a day',
  },
];

export const createQuota = (clock: Clock, limits: QuotaLimits = quotaLimits): Quota => {
  const shown = createBuckets(clock, limits);
  const orderly = createBuckets(clock, {
    perHour: limits.perHour * orderlyShare,
    perDay: limits.perDay * orderlyShare,
    bytesPerDay: limits.bytesPerDay * orderlyShare,
  });
  let closedFor: string | null = null;
  let opensAtMs = -Infinity;

  const closed = (): Closed | null => {
    const forMs = opensAtMs - clock.monotonicMs();
    return forMs > 0 && closedFor !== null ? { why: closedFor, forMs } : null;
  };
  return {
    closed,
    refuses(type, bytes) {
      const isContent = content.has(type as EventType);
      const now = closed();
      if (isContent && now !== null) return now.why;
      const empty = (isContent ? shown : orderly).find(({ pace, ofBytes }) => !pace.take(ofBytes ? bytes : 1));
      if (empty === undefined) return null;
      const why = `This session has written as much as is kept of it in ${empty.word}.`;
      if (isContent) {
        closedFor = why;
        opensAtMs = clock.monotonicMs() + closedMs;
      }
      return why;
    },
  };
};

/** Of every session that was linked: one that is stopped and started again has no more. */
export const createQuotas = (clock: Clock, limits?: QuotaLimits) => {
  const bySession = new Map<string, Quota>();
  return {
    of(sessionId: string): Quota {
      const quota = bySession.get(sessionId) ?? createQuota(clock, limits);
      bySession.set(sessionId, quota);
      return quota;
    },
    closed: (sessionId: string): Closed | null => bySession.get(sessionId)?.closed() ?? null,
  };
};
export type Quotas = ReturnType<typeof createQuotas>;

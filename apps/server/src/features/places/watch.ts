// What this process knows of one session beside its row. It does nothing.

import type { FoundPlace } from '@remote-claude/compute';

import type { Cancel } from '../../platform/clock.js';
import type { AgentLink } from './agent-link.js';
import type { LastWords } from './filling-words.js';

export interface Watch {
  /** The name under which it is ours; null while it is not. */
  owner: string | null;
  link: { placeId: string; link: AgentLink } | null;
  /** The files of a fork are on their way to this place. */
  filling: { placeId: string; end(): Promise<void> } | null;
  /** How often that failed in a row, until when it is not tried again, and why not before a person asks. */
  fill: { failures: number; pausedUntilMs: number; over: LastWords | null };
  looking: Promise<void> | null;
  stale: boolean;
  /** Places of the session that ran at the last look at everything. */
  found: FoundPlace[];
  cancelTimer: Cancel;
  touchedAtMs: number;
  /** Since when it is known here as unreachable; null where it is not. */
  unreachableSinceMs: number | null;
  /** Why its log was closed when that was last looked at. */
  notKept: string | null;
  /** Looks in a row that failed, and until when only a person's wish is a reason for another. */
  failures: number;
  pausedUntilMs: number;
}

export const newFill = (): Watch['fill'] => ({ failures: 0, pausedUntilMs: -Infinity, over: null });

export const newWatch = (): Watch => ({
  owner: null,
  link: null,
  filling: null,
  fill: newFill(),
  looking: null,
  stale: false,
  found: [],
  cancelTimer: () => {},
  touchedAtMs: -Infinity,
  unreachableSinceMs: null,
  notKept: null,
  failures: 0,
  pausedUntilMs: -Infinity,
});

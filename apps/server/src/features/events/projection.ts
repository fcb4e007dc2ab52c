// What a feature may keep beside the log: rows that follow from events, written in the transaction of the event.
// It knows no feature.

import type { EventType, ServerEvent, SessionEvent, SessionState } from '@remote-claude/contract';

import type { Trx } from '../../platform/database/index.js';
import type { Writer } from './prepare.js';

export interface Change {
  sessionId: string;
  by: Writer;
  event: SessionEvent;
  at: Date;
  before: SessionState;
  after: SessionState;
}

export interface Projection {
  /** The events that it looks at; all others cost nothing. */
  types: ReadonlySet<EventType>;
  /** Why the event must not be stored; null where it may. Asked before anything of it is written. */
  refuses?(trx: Trx, change: Change): Promise<string | null>;
  /** Writes its rows, and returns events that follow at once from this one. */
  apply(trx: Trx, change: Change): Promise<ServerEvent[]>;
}

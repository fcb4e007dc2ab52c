// Moves sessions to another engine by hand: those of one that is gone for good, whose disks were brought here, or all of them
// after the database was restored. It moves no disk, and starts nothing.

import { noTokens, type SessionState } from '@remote-claude/contract';

import type { Clock } from '../../platform/clock.js';
import type { Database } from '../../platform/database/index.js';
import type { Audit } from '../audit/index.js';
import type { Commands, Events } from '../events/index.js';
import type { ElsewhereStore } from './elsewhere-store.js';
import { isAsWritten, placeChanged } from './place-record.js';

export interface AdoptDeps {
  store: ElsewhereStore;
  database: Database;
  events: Events;
  commands: Commands;
  audit: Audit;
  clock: Clock;
  /** Ours: what has the disks from now on. */
  engine: string;
}

const turnReason = 'The session was moved to another engine.';

export const createAdopt = ({ store, database, events, commands, audit, clock, engine }: AdoptDeps) => {
  /** False where its engine has a manager by now, or is another one. */
  const one = (sessionId: string, how: { restored: boolean; from: string | null }): Promise<boolean> =>
    database.transaction(async (trx) => {
      const { state } = await events.lock(trx, sessionId);
      if (how.from !== null && (await store.find(trx, sessionId, how.from)) === null) return false;
      await audit.record(trx, {
        userId: null,
        sessionId,
        action: 'sessions.adopt',
        details: { from: how.from, to: engine, restored: how.restored },
      });
      if (state.turn !== null)
        await events.record(trx, sessionId, [turnEnded(state.turn)], await commands.pendingInterrupts(trx, sessionId));
      const event = placeChanged(state, wordsFor(state));
      if (!isAsWritten(state, event)) await events.record(trx, sessionId, [event]);
      await store.move(trx, sessionId, engine);
      if (how.restored) await store.renewEpoch(trx, sessionId);
      return true;
    });

  const turnEnded = ({ turnId, startedAt }: NonNullable<SessionState['turn']>) => ({
    type: 'turn.ended' as const,
    turnId,
    outcome: 'interrupted' as const,
    reason: turnReason,
    message: null,
    usage: noTokens,
    durationMs: Math.max(0, clock.now().getTime() - Date.parse(startedAt)),
  });

  return {
    /** How many were moved. Repeated after a crash it goes on. `from` null: of every engine, as after the database was restored. */
    async adopt(how: { restored: boolean; from: string | null }): Promise<number> {
      let moved = 0;
      for (const sessionId of await store.sessionsOf(how.from)) if (await one(sessionId, how)) moved += 1;
      return moved;
    },
  };
};

const wordsFor = ({ wanted, place }: SessionState) =>
  wanted === 'running'
    ? ({ status: 'starting', step: 'Waiting to be started' } as const)
    : ({ status: 'stopped', reason: place.reason, next: place.next } as const);

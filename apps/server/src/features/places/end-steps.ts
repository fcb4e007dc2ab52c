// The steps by which a place ends: told to, by itself, or because nobody reaches it. Each writes down what became of the
// turn in it, and when the session is tried again.

import type { FoundPlace } from '@remote-claude/compute';
import { noTokens, type ServerEvent, type SessionState } from '@remote-claude/contract';

import type { Trx } from '../../platform/database/index.js';
import { pauseAfterMs } from './decide.js';
import type { LastWords } from './filling-words.js';
import type { StepParts } from './step-parts.js';
import type { PlaceRow } from './store.js';
import { diskGoneHint, failedHint, StepFailure, type PlaceWords } from './stumble.js';

const retryHint = 'Start it again; if it fails again, ask whoever runs this server.';

export const createEndSteps = (parts: StepParts) => {
  const { events, commands, driver, gateway, clock, log, timing } = parts;
  const { change } = parts.record;
  const { clear, moveLine } = parts.queue;
  const { actingAs } = parts;

  /** A turn whose agent is gone ends here; interrupts that nobody carried out were meant for it. */
  const endTurn = async (trx: Trx, row: PlaceRow, state: SessionState, reason: string): Promise<void> => {
    if (state.turn === null) return;
    const durationMs = Math.max(0, clock.now().getTime() - Date.parse(state.turn.startedAt));
    const ended: ServerEvent = {
      type: 'turn.ended',
      turnId: state.turn.turnId,
      outcome: 'interrupted',
      reason: reason.slice(0, 2_000),
      message: null,
      usage: noTokens,
      durationMs,
    };
    await events.record(trx, row.sessionId, [ended], await commands.pendingInterrupts(trx, row.sessionId));
  };

  const retryAt = (attempts: number): Date => new Date(clock.now().getTime() + pauseAfterMs(attempts, timing));

  /**
   * The place is gone or never came: once more after a pause, or given up until a person asks. `heals`: nothing of the
   * session has run, so it is still tried now and then, in silence, for the cause may go away.
   */
  const failed = (row: PlaceRow, reason: string, how: { attempts: number; atOnce: boolean; heals?: boolean }) => {
    const over = how.attempts >= timing.maxAttempts;
    const later = over ? how.heals === true : !how.atOnce;
    const words: PlaceWords = over
      ? { status: 'failed', reason, next: how.heals === true ? failedHint : retryHint }
      : { status: 'starting', step: 'Starting again', reason };
    return change(row, words, async (trx, state) => {
      await endTurn(trx, row, state, reason);
      await clear(trx, row.sessionId, {
        attempts: how.attempts,
        retryAt: later ? retryAt(over ? Infinity : how.attempts) : null,
      });
    });
  };

  /** Nothing was made in its stead, and nothing heals it but a person. */
  const diskGone = (row: PlaceRow, reason: string) =>
    change(row, { status: 'failed', reason, next: diskGoneHint, diskGone: true }, async (trx, state) => {
      await endTurn(trx, row, state, reason);
      await clear(trx, row.sessionId, { attempts: row.attempts, retryAt: null });
    });

  /** Failures before a place that lived well no longer count. */
  const attemptsAfter = (row: PlaceRow): number => {
    const livedMs = clock.now().getTime() - (row.startedAt ?? clock.now()).getTime();
    return row.reachedAt !== null && livedMs >= timing.stableMs ? 0 : row.attempts;
  };

  const findLive = async (sessionId: string): Promise<FoundPlace[]> =>
    (await driver.list()).filter((found) => found.sessionId === sessionId);

  const stopSuperseded = async (found: FoundPlace, owner: string | null): Promise<void> => {
    log.warn({ sessionId: found.sessionId, placeId: found.placeId }, 'a place that no session has is stopped');
    await actingAs(owner).stop(found.handle, { graceMs: timing.stopGraceMs });
  };

  const endPlace = async (row: PlaceRow): Promise<void> => {
    const handle =
      row.handle ?? (await findLive(row.sessionId)).find(({ placeId }) => placeId === row.placeId)?.handle ?? null;
    if (handle !== null) await actingAs(row.fence.owner).stop(handle, { graceMs: timing.stopGraceMs });
    await gateway.close(row.sessionId);
  };

  return {
    failed,
    diskGone,
    findLive,
    stopSuperseded,

    async stop(row: PlaceRow): Promise<void> {
      await endPlace(row);
      const { reason, next } = row.state.place;
      // It makes room for another one of the session.
      const isReplaced = row.wanted === 'running';
      const words: PlaceWords = isReplaced
        ? { status: 'starting', step: 'Making its place anew' }
        : { status: 'stopped', reason, next };
      await change(row, words, async (trx, state) => {
        await endTurn(trx, row, state, isReplaced ? 'The session was restarted.' : 'The session was stopped.');
        await clear(trx, row.sessionId, { attempts: 0, retryAt: null });
      });
    },

    /** It may have stood in line. */
    settle: (row: PlaceRow) =>
      change(row, { status: 'stopped', reason: row.state.place.reason, next: row.state.place.next }, moveLine),

    /** It cannot become what it is to be before a person asks again, and does not keep a place from others until then. */
    async giveBack(row: PlaceRow, { reason, next }: LastWords): Promise<void> {
      await endPlace(row);
      await change(row, { status: 'failed', reason, next }, (trx) =>
        clear(trx, row.sessionId, { attempts: 0, retryAt: null }),
      );
    },

    async bury(row: PlaceRow, reason: string): Promise<void> {
      await gateway.close(row.sessionId);
      await failed(row, reason, { attempts: attemptsAfter(row), atOnce: row.reachedAt !== null });
    },

    async abandon(row: PlaceRow, reason: string): Promise<void> {
      if (row.handle !== null) {
        await actingAs(row.fence.owner).stop(row.handle, { graceMs: timing.stopGraceMs });
        // Nothing takes its place while any of it runs.
        const { status } = await driver.inspect(row.handle);
        if (status === 'running' || status === 'starting')
          throw new StepFailure('The session does not answer, and it could not be ended either.');
      }
      await gateway.close(row.sessionId);
      await failed(row, reason, { attempts: attemptsAfter(row), atOnce: false });
    },
  };
};
export type EndSteps = ReturnType<typeof createEndSteps>;

// The steps that a place can take: each does one thing with the driver and writes it down, so that a crash between
// the two is seen at the next look. It knows no schedule; one step at a time is taken for a session.

import type { Driver } from '@remote-claude/compute';
import type { ForkFilled } from '@remote-claude/contract';

import { unreachableReason, type Decision, type RunningWords } from './decide.js';
import { createEndSteps } from './end-steps.js';
import type { LastWords } from './filling-words.js';
import { createGuardedDriver } from './guarded-driver.js';
import { createQueue } from './place-queue.js';
import { createPlaceRecord } from './place-record.js';
import { createStartSteps } from './start-steps.js';
import type { StepDeps, StepParts } from './step-parts.js';
import type { PlaceRow } from './store.js';
import { stumbleWords, type PlaceWords } from './stumble.js';

const retentionOver = 'Its retention had ended. The history stays readable.';

export const createSteps = (deps: StepDeps) => {
  const { database, store, events, driver, leases, clock, timing } = deps;
  const record = createPlaceRecord(deps);
  const queue = createQueue({ ...deps, record });
  const actingAs = (owner: string | null): Driver => createGuardedDriver(driver, () => leases.isHeldAs(owner));
  const { change } = record;
  const parts: StepParts = { ...deps, record, queue, actingAs };
  const { failed, diskGone, findLive, ...ends } = createEndSteps(parts);
  const starts = createStartSteps(parts, { failed, diskGone, findLive, stopSuperseded: ends.stopSuperseded });

  return {
    ...starts,
    ...ends,
    lineOf: (sessionId: string) => queue.lineOf(sessionId),

    /** There is no room: it waits, and is told where. */
    queue: (row: PlaceRow, { reason, next }: RunningWords) =>
      change(row, { status: 'queued', reason, next }, async (trx, state) => {
        if (state.place.status !== 'queued') await queue.moveLine(trx);
      }),

    /** The engine has not yet what its place is made of. One that waits as failed holds up nobody in the line meanwhile. */
    unprepared: (row: PlaceRow, { words, retryInMs }: Extract<Decision, { do: 'unprepared' }>) =>
      change(row, words, async (trx) => {
        if (retryInMs === null) return;
        const retryAt = new Date(clock.now().getTime() + retryInMs);
        await store.clear(trx, row.sessionId, { attempts: row.attempts, retryAt });
        await queue.moveLine(trx);
      }),

    mark: (row: PlaceRow, { status, reason }: Omit<Extract<Decision, { do: 'mark' }>, 'do'>) =>
      change(row, reason === undefined ? markWords[status] : { status, reason, next: heldNext }, async (trx) => {
        if (status === 'running') await store.recordReached(trx, row.sessionId, clock.now());
      }),

    /** A step could not be taken: says so once, however often it is tried. */
    async stumble(row: PlaceRow, reason: string, isOver: boolean): Promise<void> {
      const { wanted, placeId, reachedAt, state } = row;
      const seen = { wanted, status: state.place.status, hasPlace: placeId !== null, reached: reachedAt !== null };
      await change(row, stumbleWords(seen, reason, isOver));
    },

    /** How far the copying of a fork's files is, or why it cannot go on now. */
    sayFilling: (row: PlaceRow, words: PlaceWords) => change(row, words),

    /** They are all there: from now on the session is as any other. */
    filled: (row: PlaceRow, result: ForkFilled) =>
      change(row, null, async (trx, state) => {
        if (state.fork?.isFilled === false)
          await events.record(trx, row.sessionId, [{ type: 'fork.filled', ...result }]);
      }),

    tell: (row: PlaceRow, { reason, next }: RunningWords) => change(row, { status: 'running', reason, next }),

    expire: (row: PlaceRow, { reason, next }: LastWords) =>
      change(row, { wanted: 'stopped', status: 'stopping', reason, next }),

    /** Repeated after a crash until the disk is gone; the audit log has it once, and before. */
    async removeDisk(row: PlaceRow): Promise<void> {
      const { sessionId, terminatedAt } = row;
      const mayGo = await database.transaction(async (trx) => {
        const { state } = await events.lock(trx, sessionId, row.fence);
        if (state.wanted !== 'terminated') return false;
        if (!(await store.beginDiskRemoval(trx, sessionId, clock.now()))) return true;
        const details = { terminatedAt: terminatedAt?.toISOString() ?? null, retentionMs: timing.diskRetentionMs };
        await deps.audit.record(trx, { userId: null, sessionId, action: 'sessions.disk.remove', details });
        return true;
      });
      if (!mayGo) return;
      await actingAs(row.fence.owner).destroy(sessionId);
      const words = {
        status: 'stopped',
        reason: 'The disk of this session was removed.',
        next: retentionOver,
      } as const;
      await change(row, words, (trx) => store.recordDiskRemoved(trx, sessionId, clock.now()));
    },
  };
};

export type Steps = ReturnType<typeof createSteps>;

const heldNext = 'Its files and its history are kept. Ask whoever runs this server, or stop it here.';
const unreachableNext = 'It is tried again all the time, and started again if it stays silent.';
const markWords: Record<'starting' | 'running' | 'unreachable', PlaceWords> = {
  starting: { status: 'starting', step: 'Waiting for Claude' },
  running: { status: 'running' },
  unreachable: { status: 'unreachable', reason: unreachableReason, next: unreachableNext },
};

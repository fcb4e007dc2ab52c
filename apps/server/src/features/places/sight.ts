// What is seen of one session: its row, what the driver says of its place, and whether its agent answers. It decides
// nothing.

import { ComputeError, type Driver, type PlaceReport } from '@remote-claude/compute';
import type { SessionState } from '@remote-claude/contract';

import type { Clock } from '../../platform/clock.js';
import type { Log } from '../../platform/log.js';
import type { PlaceTiming, Sight, Unprepared } from './decide.js';
import { waitingStep } from './filling-words.js';
import { wayIn, type Line } from './line.js';
import type { Closed } from './quota.js';
import type { PlaceRow } from './store.js';
import type { Watch } from './watch.js';

type Report = Pick<PlaceReport, 'status' | 'reason' | 'cutOff'>;
const isAlive = ({ status }: Report): boolean => status === 'running' || status === 'starting';

export interface EyesDeps {
  driver: Driver;
  clock: Clock;
  log: Log;
  timing: PlaceTiming;
  /** Opens the ways to and from a place that is there. */
  attach(row: PlaceRow, watch: Watch, cutOff: boolean): Promise<void>;
  /** Where a session stands among those that want a place. */
  lineOf(sessionId: string): Promise<Line>;
  /** What the engine lacks of what its place is made of; asking begins to bring it. */
  unprepared(row: PlaceRow): Promise<Unprepared | null>;
  /** Why the log of a session is closed now. */
  closedQuota(sessionId: string): Closed | null;
}

export const createEyes = ({ driver, clock, log, timing, attach, lineOf, unprepared, closedQuota }: EyesDeps) => {
  const see = async (row: PlaceRow, watch: Watch): Promise<Sight> => {
    const report = await examine(row, watch);
    const alive = report !== null && isAlive(report);
    const link = watch.link?.link ?? null;
    const notKept = closedQuota(row.sessionId);
    watch.notKept = notKept?.why ?? null;
    const isUnreachable = row.state.place.status === 'unreachable' && link?.isUp() !== true;
    watch.unreachableSinceMs = isUnreachable ? (watch.unreachableSinceMs ?? clock.monotonicMs()) : null;
    const line = row.wanted === 'running' && row.placeId === null ? await lineOf(row.sessionId) : null;
    return {
      wanted: row.wanted,
      state: row.state,
      filling: fillingOf(row, watch),
      placeId: row.placeId,
      isReplaced:
        (row.config as { replacePlace?: unknown } | null)?.replacePlace === row.placeId && row.placeId !== null,
      hasHandle: row.handle !== null,
      startedAtMs: row.startedAt?.getTime() ?? null,
      reached: row.reachedAt !== null,
      retryAtMs: row.retryAt?.getTime() ?? null,
      line,
      unprepared: line !== null && isTurnOf(row, line) ? await unprepared(row) : null,
      diskUntilMs: diskUntilMs(row),
      report:
        report === null
          ? null
          : { alive, cutOff: report.cutOff, reason: report.status === 'starting' ? null : report.reason },
      link: { up: link?.isUp() ?? false, silentMs: link === null ? 0 : clock.monotonicMs() - link.heardAtMs() },
      unreachableMs: clock.monotonicMs() - (watch.unreachableSinceMs ?? clock.monotonicMs()),
      notKept,
      nowMs: clock.now().getTime(),
    };
  };

  const isTurnOf = ({ state, retryAt }: PlaceRow, line: Line): boolean =>
    wayIn(line) !== 'none' && (state.place.status !== 'failed' || retryAt !== null);

  const fillingOf = ({ state: { fork, place } }: PlaceRow, { filling, fill }: Watch): Sight['filling'] =>
    fork?.isFilled === false
      ? {
          isUnderWay: filling !== null,
          pauseMs: Math.max(0, fill.pausedUntilMs - clock.monotonicMs()),
          over: fill.over,
          waitsFor: waitsFor(fork.name, place),
        }
      : null;

  /** What it waits for, and since when: the words about it are written once. */
  const waitsFor = (name: string, { step, since }: SessionState['place']): NonNullable<Sight['filling']>['waitsFor'] =>
    step === waitingStep(name) && since !== null ? { name, sinceMs: Date.parse(since) } : null;

  const diskUntilMs = ({ terminatedAt, diskRemovedAt }: PlaceRow): number | null =>
    terminatedAt === null || diskRemovedAt !== null ? null : terminatedAt.getTime() + timing.diskRetentionMs;

  /** Asks the driver for the place, and opens the ways to and from one that is there. */
  const examine = async (row: PlaceRow, watch: Watch): Promise<Report | null> => {
    try {
      const report = await inspect(row, watch);
      if (report !== null && isAlive(report)) await attach(row, watch, report.cutOff);
      return report;
    } catch (error) {
      if (row.wanted === 'running') throw error;
      // It is to end: no need to know more of it.
      log.warn({ err: error, sessionId: row.sessionId }, 'a place that is to end could not be looked at');
      return null;
    }
  };

  const inspect = async (row: PlaceRow, watch: Watch): Promise<Report | null> => {
    if (row.handle === null) return null;
    try {
      return await driver.inspect(row.handle);
    } catch (error) {
      // An agent that answers is a better sign of life than the engine's word.
      if (watch.link?.placeId === row.placeId && watch.link.link.isUp())
        return { status: 'running', reason: null, cutOff: false };
      if (!(error instanceof ComputeError) || error.code !== 'bad_handle') throw error;
      return {
        status: 'stopped',
        cutOff: false,
        reason: 'This server is set up for another engine than the one that the session ran on.',
      };
    }
  };

  return { see };
};

// The steps that a place can take: each does one thing with the driver and writes it down, so that a crash between
// the two is seen at the next look. It knows no schedule; one step at a time is taken for a session.

import { randomUUID } from 'node:crypto';
import {
  ComputeError,
  type Driver,
  type FoundPlace,
  type PlaceAddresses,
  type PlaceLimits,
} from '@remote-claude/compute';
import { noTokens, type EventOf, type ForkFilled, type ServerEvent, type SessionState } from '@remote-claude/contract';

import type { Bus } from '../../platform/bus.js';
import type { Clock } from '../../platform/clock.js';
import type { Database, Trx } from '../../platform/database/index.js';
import type { Log } from '../../platform/log.js';
import type { Audit } from '../audit/index.js';
import type { Commands, Events } from '../events/index.js';
import { pauseAfterMs, unreachableReason, type PlaceTiming, type RunningWords } from './decide.js';
import { agentEnvironment, type EnvironmentDeps } from './environment.js';
import { createGuardedDriver, LeaseLostError } from './guarded-driver.js';
import type { Leases } from './leases.js';
import { lineChannel } from './line-watch.js';
import { wayIn, type Line, type WayIn } from './line.js';
import type { PlaceRow, PlacesStore } from './store.js';
import { failedHint, StepFailure, stumbleWords, systemReason, type PlaceWords } from './stumble.js';

/** The way out of a session, which stands before its place needs it. */
export interface GatewayDoors {
  /** The same place twice is once. */
  open(sessionId: string, placeId: string, address: PlaceAddresses['gateway']): Promise<void>;
  close(sessionId: string): Promise<void>;
}

export interface StepDeps {
  database: Database;
  store: PlacesStore;
  events: Events;
  commands: Commands;
  audit: Audit;
  driver: Driver;
  bus: Pick<Bus, 'publishIn'>;
  leases: Pick<Leases, 'isHeldAs' | 'engine'>;
  gateway: GatewayDoors;
  clock: Clock;
  log: Log;
  environment: EnvironmentDeps;
  /** Of the place of a session with this configuration. */
  limitsOf(config: unknown): PlaceLimits;
  /** Places that there may be at once on our engine. */
  capacity: number;
  timing: PlaceTiming & { stopGraceMs: number };
}

const diskGone = 'Its retention had ended. The history stays readable.';
const retryHint = 'Start it again; if it fails again, ask whoever runs this server.';

export const createSteps = (deps: StepDeps) => {
  const { database, store, events, bus, commands, driver, leases, gateway, clock, log, timing } = deps;

  /** What acts on what was decided under this name. */
  const actingAs = (owner: string | null): Driver => createGuardedDriver(driver, () => leases.isHeldAs(owner));

  /** Writes what the work says, unless the session has another place by now; words that it has already make no event. */
  const alter = (row: PlaceRow, work: (trx: Trx, state: SessionState) => Promise<PlaceWords | null>): Promise<void> =>
    database.transaction(async (trx) => {
      const { state } = await events.lock(trx, row.sessionId, row.fence);
      const now = await store.find(row.sessionId, trx);
      if (now?.placeId !== row.placeId) return;
      const words = await work(trx, state);
      if (words === null) return;
      const event = placeChanged(state, words);
      if (!isAsWritten(state, event)) await events.record(trx, row.sessionId, [event]);
    });

  const change = (
    row: PlaceRow,
    words: PlaceWords | null,
    also: (trx: Trx, state: SessionState) => Promise<void> = async () => {},
  ): Promise<void> =>
    alter(row, async (trx, state) => {
      await also(trx, state);
      return words;
    });

  const lineOf = async (sessionId: string, trx?: Trx): Promise<Line> => ({
    ...(await store.line.find(leases.engine, sessionId, trx)),
    capacity: deps.capacity,
  });

  /** Wakes whoever waits for a place, when the transaction commits. */
  const moveLine = (trx: Trx): Promise<void> => bus.publishIn(trx, lineChannel, { engine: leases.engine });

  /** Its place is gone. */
  const clear = async (
    trx: Trx,
    sessionId: string,
    next: { attempts: number; retryAt: Date | null },
  ): Promise<void> => {
    await store.clear(trx, sessionId, next);
    await moveLine(trx);
  };

  /** How long an engine that had no room is left alone, but where a place ends meanwhile. */
  const probeMs = Math.min(timing.longestRetryMs, 10 * timing.retryMs);

  /** A new place is its, if there is room. Under the engine's lock, so that of several servers one gives away the last. */
  const begin = async (seen: PlaceRow, placeId: string): Promise<WayIn> => {
    let way: WayIn = 'none';
    await alter(seen, async (trx, state) => {
      way = 'none';
      if (state.wanted !== 'running') return null;
      await store.line.lock(trx, leases.engine);
      way = wayIn(await lineOf(seen.sessionId, trx));
      if (way === 'none') return null;
      if (way === 'probe') await store.line.probe(trx, leases.engine, probeMs);
      await store.begin(trx, seen.sessionId, placeId, clock.now());
      await moveLine(trx);
      const { status } = state.place;
      const isQuiet = status === 'failed' || (status === 'queued' && way === 'probe');
      return isQuiet ? null : { status: 'starting', step: 'Making a place' };
    });
    return way;
  };

  /** The engine has no room, which is no failure: it goes back to its turn in the line. */
  const refuseForRoom = (row: PlaceRow, said: string): Promise<void> =>
    change(
      row,
      row.state.place.status === 'failed' ? { status: 'starting', step: 'Waiting for room' } : null,
      async (trx) => {
        await store.line.refuse(trx, leases.engine, { sessionId: row.sessionId, said, probeAfterMs: probeMs });
        await clear(trx, row.sessionId, { attempts: Math.max(0, row.attempts - 1), retryAt: null });
      },
    );

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

  /** Failures before a place that lived well no longer count. */
  const attemptsAfter = (row: PlaceRow): number => {
    const livedMs = clock.now().getTime() - (row.startedAt ?? clock.now()).getTime();
    return row.reachedAt !== null && livedMs >= timing.stableMs ? 0 : row.attempts;
  };

  const findLive = async (sessionId: string): Promise<FoundPlace[]> =>
    (await driver.list()).filter((found) => found.sessionId === sessionId);

  const start = async (row: PlaceRow, placeId: string): Promise<void> => {
    const { sessionId } = row;
    const layout = driver.layout(sessionId);
    const { runtime } = deps.environment;
    let said = Promise.resolve();
    // One that is known as failed, or waits for an engine without room, is tried in silence: it is called starting when there
    // is something to see.
    const isQuiet = row.state.place.status === 'failed' || row.state.place.status === 'queued';
    const progress = (step: string): void => {
      if (isQuiet) return;
      said = said
        .then(() => change(row, { status: 'starting', step: step.slice(0, 200), reason: null }))
        .catch((err: unknown) => log.warn({ err, sessionId }, 'a step of a start could not be written down'));
    };
    const started = await actingAs(row.fence.owner).start(
      {
        sessionId,
        placeId,
        command: runtime.command,
        environment: agentEnvironment(deps.environment, { sessionId, placeId }, layout, row.state),
        limits: deps.limitsOf(row.config),
        readOnlyMounts: runtime.mounts,
      },
      progress,
    );
    await said;
    const { agent, gateway: way } = started;
    const isOurs = await store.recordStarted(
      row.fence,
      { sessionId, placeId, handle: started.handle },
      { agent, gateway: way },
    );
    if (isOurs) await openGateway(sessionId, placeId, way);
  };

  /** A door that could not be opened is not half open: the next look tries it again. */
  const openGateway = async (sessionId: string, placeId: string, address: PlaceAddresses['gateway']): Promise<void> => {
    try {
      await gateway.open(sessionId, placeId, address);
    } catch (error) {
      await gateway.close(sessionId).catch(() => {});
      throw new StepFailure(`The session's way to the model could not be opened: ${systemReason(error)}.`, {
        cause: error,
      });
    }
  };

  /** A start that was refused. What runs nevertheless is found: under our id it is ours, under another it is superseded. */
  const startRefused = async (row: PlaceRow, error: unknown): Promise<void> => {
    // Not refused: another's to start by now.
    if (error instanceof LeaseLostError) throw error;
    log.warn({ err: error, sessionId: row.sessionId, attempt: row.attempts }, 'a session could not be started');
    const live = await findLive(row.sessionId);
    for (const found of live.filter(({ placeId }) => placeId !== row.placeId))
      await stopSuperseded(found, row.fence.owner);
    if (live.some(({ placeId }) => placeId === row.placeId)) return;
    if (error instanceof ComputeError && error.code === 'no_room') return refuseForRoom(row, error.message);
    const reason =
      error instanceof ComputeError ? error.message : 'The session could not be started; the log has the details.';
    await failed(row, reason, { attempts: row.attempts, atOnce: live.length > 0, heals: true });
  };

  const stopSuperseded = async (found: FoundPlace, owner: string | null): Promise<void> => {
    log.warn({ sessionId: found.sessionId, placeId: found.placeId }, 'a place that no session has is stopped');
    await actingAs(owner).stop(found.handle, { graceMs: timing.stopGraceMs });
  };

  return {
    stopSuperseded,
    lineOf,

    async start(seen: PlaceRow, fresh: boolean): Promise<void> {
      let row = seen;
      let way: WayIn = 'room';
      if (fresh) {
        const placeId = randomUUID();
        way = await begin(seen, placeId);
        const begun = await store.find(seen.sessionId);
        if (begun?.placeId !== placeId) return;
        row = { ...begun, fence: seen.fence };
      }
      if (row.placeId === null) return;
      try {
        await start(row, row.placeId);
      } catch (error) {
        return startRefused(row, error);
      }
      if (way !== 'probe') return;
      await database.transaction(async (trx) => {
        await store.line.accept(trx, leases.engine);
        await moveLine(trx);
      });
    },

    /** There is no room: it waits, and is told where. */
    queue: (row: PlaceRow, { reason, next }: RunningWords) =>
      change(row, { status: 'queued', reason, next }, async (trx, state) => {
        if (state.place.status !== 'queued') await moveLine(trx);
      }),

    async stop(row: PlaceRow): Promise<void> {
      const handle =
        row.handle ?? (await findLive(row.sessionId)).find(({ placeId }) => placeId === row.placeId)?.handle ?? null;
      if (handle !== null) await actingAs(row.fence.owner).stop(handle, { graceMs: timing.stopGraceMs });
      await gateway.close(row.sessionId);
      const { reason, next } = row.state.place;
      await change(row, { status: 'stopped', reason, next }, async (trx, state) => {
        await endTurn(trx, row, state, 'The session was stopped.');
        await clear(trx, row.sessionId, { attempts: 0, retryAt: null });
      });
    },

    /** It may have stood in line. */
    settle: (row: PlaceRow) =>
      change(row, { status: 'stopped', reason: row.state.place.reason, next: row.state.place.next }, moveLine),

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

    mark: (row: PlaceRow, status: 'starting' | 'running' | 'unreachable') =>
      change(row, markWords[status], async (trx) => {
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

    expire: (row: PlaceRow) =>
      change(row, {
        wanted: 'stopped',
        status: 'stopping',
        reason: 'This session reached its longest duration.',
        next: 'Start it again to go on.',
      }),

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
      const words = { status: 'stopped', reason: 'The disk of this session was removed.', next: diskGone } as const;
      await change(row, words, (trx) => store.recordDiskRemoved(trx, sessionId, clock.now()));
    },

    /** The way out of a place that was there before this server. */
    async reopenGateway(row: PlaceRow): Promise<void> {
      if (row.placeId !== null && row.doors !== null) await openGateway(row.sessionId, row.placeId, row.doors.gateway);
    },
  };
};

export type Steps = ReturnType<typeof createSteps>;

const unreachableNext = 'It is tried again all the time, and started again if it stays silent.';
const markWords: Record<'starting' | 'running' | 'unreachable', PlaceWords> = {
  starting: { status: 'starting', step: 'Waiting for Claude' },
  running: { status: 'running' },
  unreachable: { status: 'unreachable', reason: unreachableReason, next: unreachableNext },
};

const isAsWritten = ({ wanted, place }: SessionState, event: EventOf<'place.changed'>): boolean =>
  event.wanted === wanted &&
  event.status === place.status &&
  event.step === place.step &&
  event.reason === place.reason &&
  event.next === place.next;

const placeChanged = (state: SessionState, words: PlaceWords): EventOf<'place.changed'> => ({
  type: 'place.changed',
  wanted: words.wanted ?? state.wanted,
  status: words.status,
  step: words.step ?? null,
  reason: words.reason?.slice(0, 2_000) ?? null,
  next: words.next?.slice(0, 500) ?? null,
});

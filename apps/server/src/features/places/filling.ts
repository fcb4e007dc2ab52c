// Brings a fork the files of the session that it comes from: bytes from one agent to the other, none of them kept here.
// It says how far it is, and why it cannot go on; what is copied, and whether it is whole, is the agents' matter.

import {
  agentPaths,
  AppError,
  errorOf,
  forkBytesHeader,
  forkFilled,
  forkState,
  type ForkFilled,
  type SessionState,
} from '@remote-claude/contract';
import { pipeline, Transform } from 'node:stream';
import { z } from 'zod';

import type { Clock } from '../../platform/clock.js';
import type { Log } from '../../platform/log.js';
import { StaleFenceError } from '../events/index.js';
import { askAgent, postingJson, textOfAnswer, type AgentDoor } from '../relay/index.js';
import { pauseAfterMs, type PlaceTiming } from './decide.js';
import { LeaseLostError } from './guarded-driver.js';
import type { Steps } from './steps.js';
import type { PlaceRow } from './store.js';
import type { PlaceWords } from './stumble.js';
import type { Watch } from './watch.js';

export interface FillingDeps {
  door: AgentDoor;
  steps: Pick<Steps, 'filled' | 'sayFilling'>;
  clock: Clock;
  log: Log;
  timing: PlaceTiming;
  /** Looks at the session again. */
  again(sessionId: string): void;
  /** Without a byte for so long it is begun anew. */
  stalledMs?: number;
}

/** A tree of a hundred thousand files is looked through before its first byte, and written to the disk after its last. */
const thinkMs = 15 * 60_000;
/** The other session may be started at any moment. */
const longestWaitMs = 15_000;
const saidEveryMs = 1_000;
/** Of a hundred. */
const saidEveryShare = 5;

/** The other session, and not this one, is why it cannot go on. */
class SourceError extends Error {
  constructor(override readonly cause: AppError) {
    super(cause.message);
  }
}

type Fork = NonNullable<SessionState['fork']>;

export const createFilling = (deps: FillingDeps) => {
  const { door, steps, clock, log, timing, stalledMs = 60_000 } = deps;

  const openSource = async (fork: Fork, forkId: string, signal: AbortSignal) => {
    try {
      const request = { ...postingJson(agentPaths.forkExport, { forkId }, signal), thinkMs };
      const answer = await door.request(fork.sessionId, request);
      if (answer.status >= 400) throw errorOf(answer.status, await textOfAnswer(answer.body));
      return answer;
    } catch (error) {
      throw error instanceof AppError ? new SourceError(error) : error;
    }
  };

  /** From one agent to the other, no faster than the slower of both. */
  const carry = async (row: PlaceRow, fork: Fork, signal: AbortSignal): Promise<ForkFilled> => {
    const { sessionId } = row;
    const { body, headers } = await openSource(fork, sessionId, signal);
    const total = Number(headers[forkBytesHeader] ?? 0);
    let carried = 0;
    let broken: unknown = null;
    const say = createSayer(fork, clock, (words) => steps.sayFilling(row, words));
    const meter = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        carried += chunk.length;
        say(total === 0 ? 0 : Math.min(99, Math.floor((100 * carried) / total)));
        watchdog();
        done(null, chunk);
      },
    });
    let cancelWatchdog = (): void => {};
    const watchdog = (): void => {
      cancelWatchdog();
      cancelWatchdog = clock.after(stalledMs, () => meter.destroy(new Error('nothing came for too long')));
    };
    watchdog();
    pipeline(body, meter, (error) => {
      broken ??= error ?? null;
      cancelWatchdog();
    });
    try {
      const answer = await door.request(sessionId, {
        method: 'POST',
        path: agentPaths.forkImport,
        headers: { 'content-type': 'application/octet-stream' },
        body: meter,
        thinkMs,
        signal,
      });
      const text = await textOfAnswer(answer.body);
      if (answer.status >= 400) throw errorOf(answer.status, text);
      return forkFilled.parse(JSON.parse(text));
    } catch (error) {
      if (broken !== null && !signal.aborted)
        log.info({ err: broken, sessionId, carried }, 'the copying of files to a fork was cut off');
      throw error;
    } finally {
      cancelWatchdog();
      body.destroy();
      meter.destroy();
      await say.done();
    }
  };

  const fill = async (row: PlaceRow, fork: Fork, signal: AbortSignal): Promise<void> => {
    const { sessionId } = row;
    const state = { method: 'GET', path: agentPaths.forkState, signal };
    const known = (await askAgent(door, sessionId, state, forkState)).filled;
    await steps.filled(row, known ?? (await carry(row, fork, signal)));
    // The other session keeps it for a while where it does not hear of this.
    askAgent(door, fork.sessionId, postingJson(agentPaths.forkRelease, { forkId: sessionId }), z.unknown()).catch(
      (err: unknown) => log.debug({ err, sessionId }, 'the source of a fork did not hear that it is whole'),
    );
  };

  const failed = async (row: PlaceRow, fork: Fork, { fill: { failures } }: Watch, error: unknown): Promise<void> => {
    log.warn({ err: error, sessionId: row.sessionId, failures }, 'the files of a fork could not be copied');
    await steps.sayFilling(row, wordsOf(error, fork, failures >= timing.maxAttempts));
  };

  return {
    /** Begins, and comes back at once: it takes as long as it takes. */
    begin(row: PlaceRow, watch: Watch): void {
      const { sessionId, placeId, state } = row;
      const { fork } = state;
      if (placeId === null || fork === null || watch.filling !== null) return;
      const ending = new AbortController();
      const work = async (): Promise<void> => {
        try {
          await fill(row, fork, ending.signal);
          watch.fill = { failures: 0, pausedUntilMs: -Infinity };
        } catch (error) {
          if (ending.signal.aborted || error instanceof StaleFenceError || error instanceof LeaseLostError) return;
          // A source that is away is no failure: it is waited for.
          const failures = isAway(error) ? 0 : watch.fill.failures + 1;
          const pauseMs = Math.min(longestWaitMs, pauseAfterMs(Math.max(failures, isAway(error) ? 5 : 1), timing));
          watch.fill = { failures, pausedUntilMs: clock.monotonicMs() + pauseMs };
          await failed(row, fork, watch, error).catch((err: unknown) =>
            log.warn({ err, sessionId }, 'it was not said'),
          );
        }
      };
      const done = work().finally(() => {
        if (watch.filling?.placeId === placeId) watch.filling = null;
        if (!ending.signal.aborted) deps.again(sessionId);
      });
      const end = async (): Promise<void> => {
        ending.abort();
        watch.filling = null;
        await done;
      };
      watch.filling = { placeId, end };
    },
  };
};

const isAway = (error: unknown): boolean =>
  error instanceof SourceError &&
  ['session_not_running', 'place_unreachable', 'unavailable', 'client_closed'].includes(error.cause.code);

const wordsOf = (error: unknown, { name }: Fork, isOver: boolean): PlaceWords => {
  const from = `“${name}”`;
  if (isAway(error)) {
    return {
      status: 'starting',
      step: `Waiting for ${from}`,
      reason: `${from}, from which this session is forked, must run for its files to be copied.`,
      next: `Start ${from}; the copying goes on by itself.`,
    };
  }
  if (error instanceof SourceError && ['not_found', 'conflict', 'forbidden'].includes(error.cause.code))
    return { status: 'failed', reason: error.message, next: forkAgain };
  const code = error instanceof AppError ? error.code : null;
  if (code === 'no_space' || code === 'payload_too_large') {
    return {
      status: 'failed',
      reason: `The disk of this session has no room for the files of ${from}.`,
      next: 'Ask whoever runs this server for a larger disk, then start this session again. The other session is as it was.',
    };
  }
  const reason = `The files could not be copied from ${from}: ${sentenceOf(error)}`;
  return isOver
    ? { status: 'failed', reason, next: 'Start this session again to try once more. The other session is as it was.' }
    : { status: 'starting', step: `Copying files from ${from} again`, reason, next: 'It is tried again by itself.' };
};

const forkAgain = 'Terminate this session and fork the other one again.';
const sentenceOf = (error: unknown): string =>
  error instanceof AppError && error.code !== 'place_unreachable'
    ? error.message
    : 'the connection between the two broke off.';

/** Says now and then how much of it has come. The last word comes before `done`. */
const createSayer = ({ name }: Fork, clock: Clock, write: (words: PlaceWords) => Promise<void>) => {
  let said = -Infinity;
  let saidAtMs = -Infinity;
  let saying: Promise<void> = Promise.resolve();
  const say = (share: number): void => {
    const nowMs = clock.monotonicMs();
    if (share < said + saidEveryShare || nowMs < saidAtMs + saidEveryMs) return;
    said = share;
    saidAtMs = nowMs;
    const step = `Copying files from “${name}”: ${share} %`.slice(0, 200);
    saying = saying.then(() => write({ status: 'starting', step })).catch(() => undefined);
  };
  return Object.assign(say, { done: () => saying });
};

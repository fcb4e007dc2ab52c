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

import type { Clock } from '../../platform/clock.js';
import type { Log } from '../../platform/log.js';
import type { Rights } from '../access/index.js';
import { StaleFenceError } from '../events/index.js';
import { askAgent, postingJson, textOfAnswer, type AgentDoor } from '../relay/index.js';
import { pauseAfterMs, type PlaceTiming } from './decide.js';
import { FillingOver, isAway, lastWords, SourceError, sourceOver, waitingWords } from './filling-words.js';
import type { ForkKeeps } from './fork-keeps.js';
import type { ForkStore } from './fork-store.js';
import { LeaseLostError } from './guarded-driver.js';
import type { Steps } from './steps.js';
import type { PlaceRow } from './store.js';
import type { PlaceWords } from './stumble.js';
import { newFill, type Watch } from './watch.js';

export interface FillingDeps {
  door: AgentDoor;
  steps: Pick<Steps, 'filled' | 'sayFilling'>;
  forks: Pick<ForkStore, 'find'>;
  keeps: Pick<ForkKeeps, 'release'>;
  rights: Pick<Rights, 'may'>;
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

type Fork = NonNullable<SessionState['fork']>;

export const createFilling = (deps: FillingDeps) => {
  const { door, steps, forks, keeps, rights, clock, log, timing, stalledMs = 60_000 } = deps;

  /** It still may: people are taken out of sessions, and sessions end, while a fork waits for its files. */
  const requireSource = async (sessionId: string, fork: Fork): Promise<void> => {
    const found = await forks.find(sessionId, fork.sessionId);
    if (found === null) return;
    const mayFork = await rights.may(found.ownerId, fork.sessionId, 'session.fork');
    const over = sourceOver(found.source, mayFork, fork);
    if (over === null) return;
    if (!mayFork) await keeps.release(fork.sessionId, sessionId);
    throw new FillingOver(over);
  };

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
    if (known === null) await requireSource(sessionId, fork);
    await steps.filled(row, known ?? (await carry(row, fork, signal)));
    void keeps.release(fork.sessionId, sessionId);
  };

  const failed = async (row: PlaceRow, fork: Fork, watch: Watch, error: unknown): Promise<void> => {
    // A source that is away is no failure: it is waited for.
    const failures = isAway(error) ? 0 : watch.fill.failures + 1;
    const pauseMs = Math.min(longestWaitMs, pauseAfterMs(isAway(error) ? 5 : failures, timing));
    log.warn({ err: error, sessionId: row.sessionId, failures }, 'the files of a fork could not be copied');
    const over = lastWords(error, fork, failures >= timing.maxAttempts);
    watch.fill = { failures, pausedUntilMs: clock.monotonicMs() + pauseMs, over };
    if (over === null) await steps.sayFilling(row, waitingWords(error, fork));
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
          watch.fill = newFill();
        } catch (error) {
          if (ending.signal.aborted || error instanceof StaleFenceError || error instanceof LeaseLostError) return;
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

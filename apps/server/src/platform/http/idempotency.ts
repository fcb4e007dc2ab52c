// Acts that callers may send again: under one `Idempotency-Key` an act is done once, and its answer given each time.
// It knows no act. A row is claimed before the act and has the answer after it; where a crash came between, `Repeat` of the
// route says what a repeat does.

import { createHmac, randomUUID } from 'node:crypto';
import { AppError, errorOf, idempotencyHeader, type Route } from '@remote-claude/contract';

import type { Clock } from '../clock.js';
import type { Log } from '../log.js';
import { toAppError } from './errors.js';
import type { IdempotencyStore } from './idempotency-store.js';

/** An answer as it is sent: nothing in it that the route does not name. */
export interface SentAnswer {
  status: number;
  body: unknown;
}

export interface KeyedRequest {
  route: Route;
  userId: string;
  key: string;
  /** All that makes this request another one than the next: parameters, query, body. */
  content: unknown;
}

export interface IdempotencyDeps {
  store: IdempotencyStore;
  clock: Clock;
  log: Log;
  /** Of the fingerprints: a body may hold a password, which a plain hash would give away. */
  fingerprintKey: Buffer;
  keepMs: number;
}

const maxKeptBytes = 64 * 1024;

/** The key that a caller gives this request; null for none, and where the route takes none. */
export const keyOf = (route: Route, headers: Readonly<Record<string, unknown>>): string | null => {
  const key = headers[idempotencyHeader];
  if (route.repeat === null || key === undefined) return null;
  if (typeof key === 'string' && /^[!-~]{1,255}$/.test(key)) return key;
  throw new AppError('bad_request', { message: 'An Idempotency-Key has 1 to 255 printable characters and no blank.' });
};

export const createIdempotency = ({ store, clock, log, fingerprintKey, keepMs }: IdempotencyDeps) => {
  /** What this process is doing, so that a repeat waits for it instead of doing it beside it. */
  const underway = new Map<string, { fingerprint: string; answer: Promise<SentAnswer> }>();
  const oldest = (): Date => new Date(clock.now().getTime() - keepMs);
  const fingerprintOf = (content: unknown): string =>
    createHmac('sha256', fingerprintKey).update(JSON.stringify(content), 'utf8').digest('hex');

  const keep = async (row: { userId: string; key: string }, operationId: string, answer: SentAnswer): Promise<void> => {
    const text = JSON.stringify(answer.body ?? null);
    if (Buffer.byteLength(text) > maxKeptBytes) return;
    // The act is done and answered all the same; without the row a repeat is what it is after a crash.
    await store
      .keep(row, operationId, { status: answer.status, text })
      .catch((err: unknown) => log.warn({ err }, 'an answer could not be kept for a repeat of its request'));
  };

  const actOnce = async (
    { route, userId, key: given }: KeyedRequest,
    fingerprint: string,
    act: (operationId: string) => Promise<SentAnswer>,
  ): Promise<SentAnswer> => {
    const row = { userId, key: `${route.id} ${given}` };
    const claim = await store.claim({
      ...row,
      fingerprint,
      operationId: randomUUID(),
      at: clock.now(),
      since: oldest(),
    });
    if (claim.fingerprint !== fingerprint) throw new AppError('key_reused');
    if (claim.answer !== null) return replayed(claim.answer);
    if (!claim.isNew && route.repeat === 'refused') throw new AppError('outcome_unknown');
    try {
      const answer = await act(claim.operationId);
      await keep(row, claim.operationId, answer);
      return answer;
    } catch (thrown) {
      const error = toAppError(thrown);
      // A refusal is an answer. What may pass, or is a mistake of ours, leaves open what came of the act.
      if (!error.retryable && error.code !== 'internal')
        await keep(row, claim.operationId, { status: error.status, body: { error: error.toPayload() } });
      throw thrown;
    }
  };

  return {
    /** `repeated`: the act was not done for this call. Throws what the act throws, `key_reused`, or `outcome_unknown`. */
    async once(
      request: KeyedRequest,
      act: (operationId: string) => Promise<SentAnswer>,
    ): Promise<{ answer: SentAnswer; repeated: boolean }> {
      const fingerprint = fingerprintOf(request.content);
      const name = JSON.stringify([request.userId, request.route.id, request.key]);
      for (;;) {
        const first = underway.get(name);
        if (first === undefined) break;
        if (first.fingerprint !== fingerprint) throw new AppError('key_reused');
        try {
          return { answer: await first.answer, repeated: true };
        } catch (error) {
          // Its caller went away, which is often why there is a repeat.
          if (!(error instanceof AppError) || error.code !== 'client_closed') throw error;
        }
      }
      let done = false;
      const answer = actOnce(request, fingerprint, (operationId) => {
        done = true;
        return act(operationId);
      }).finally(() => underway.delete(name));
      underway.set(name, { fingerprint, answer });
      return { answer: await answer, repeated: !done };
    },

    /** Forgets what is older than answers are kept. */
    sweep: (): Promise<void> => store.sweep(oldest()),
  };
};
export type Idempotency = ReturnType<typeof createIdempotency>;

const replayed = ({ status, text }: { status: number; text: string }): SentAnswer => {
  if (status >= 400) throw errorOf(status, text);
  return { status, body: JSON.parse(text) as unknown };
};

// What an agent says on its control link: checked, stored in order, acknowledged after the commit.
// It knows no connection; `flow` holds the agent back while the store is behind.

import {
  AppError,
  blobHash,
  commandId,
  controlVersion,
  fromAgentControl,
  plainText,
  type Proposal,
  type ToAgentControl,
} from '@remote-claude/contract';
import { z } from 'zod';

import { isRefusedForGood } from '../../platform/database/index.js';
import type { Flow } from '../../platform/flow.js';
import type { Log } from '../../platform/log.js';
import { StaleFenceError, type Events, type Fence, type Rejected } from '../events/index.js';
import type { Quota } from './quota.js';

export interface IntakeDeps {
  sessionId: string;
  /** Under which its events are stored. */
  fence: Fence;
  events: Events;
  log: Log;
  send(message: ToAgentControl): void;
  /** Ends the connection: the agent says again what was not acknowledged. */
  drop(): void;
  flow: Flow;
  /** Ends a connection over which an honest agent would not say this. */
  breakOff(why: string): void;
  /** With the version of the protocol that the agent speaks. */
  onHello(version: number): void;
  onActivity(idleMs: number): void;
  quota: Quota;
  /** The log of the session is closed, for this reason, or open again. */
  onQuota(why: string | null): void;
}

/** One bad event is rejected by its number, so here an event is anything. */
const looseProposals = z.object({
  type: z.literal('propose'),
  source: plainText.min(1).max(80),
  proposals: z
    .array(z.object({ n: z.int().positive(), event: z.unknown(), commandIds: z.array(commandId).max(100).optional() }))
    .min(1)
    .max(100),
});
const [hello, , blob, activity] = fromAgentControl.options;
const message = z.discriminatedUnion('type', [hello, looseProposals, blob, activity]);
type Propose = z.infer<typeof looseProposals>;
type Blob = z.infer<typeof blob>;

/** One commit. */
const maxBatch = { events: 500, bytes: 2 * 1024 * 1024 };
/** Of what waits for the store, in bytes as it came. */
const holdAbove = 4 * 1024 * 1024;
const releaseBelow = 1024 * 1024;
/** Storing a blob costs about as much as so many events. */
const blobWeight = 10;
/** Messages of a newer agent may be strange to us, but not so many. */
const maxStrange = 100;

export const createIntake = (deps: IntakeDeps) => {
  const { sessionId, fence, events, log, send, drop, flow, quota } = deps;
  let queue: { item: Propose | Blob; bytes: number }[] = [];
  let waiting = 0;
  let strange = 0;
  let stopped = false;
  let running: Promise<void> | null = null;

  const work = async (): Promise<void> => {
    while (queue.length > 0 && !stopped) {
      const first = queue[0]?.item;
      if (first?.type === 'blob') {
        waiting -= queue.shift()?.bytes ?? 0;
        await storeBlob(first);
      } else await storeProposals(takeProposals());
      if (waiting < releaseBelow) flow.release('store');
    }
  };

  /** What came while the store was busy goes in one commit. */
  const takeProposals = (): Propose[] => {
    const taken: Propose[] = [];
    let count = 0;
    let bytes = 0;
    for (
      let next = queue[0];
      next !== undefined && count < maxBatch.events && bytes < maxBatch.bytes;
      next = queue[0]
    ) {
      if (next.item.type !== 'propose') break;
      queue.shift();
      taken.push(next.item);
      count += next.item.proposals.length;
      bytes += next.bytes;
    }
    waiting -= bytes;
    return taken;
  };

  /**
   * An event that the database will never take is rejected by its number: repeated for ever, it would hold up all that
   * the journal has behind it. The others of its batch are stored.
   */
  const append = async (proposals: readonly Proposal[]): Promise<Rejected[]> => {
    try {
      return (await events.append(sessionId, proposals, { by: 'agent', fence })).rejected;
    } catch (err) {
      if (!isRefusedForGood(err)) throw err;
      const [only, ...others] = proposals;
      if (only !== undefined && others.length === 0) {
        log.error({ err, sessionId, source: only.source, n: only.n }, 'an event of an agent cannot be stored');
        return [{ source: only.source, n: only.n, reason: 'the database does not take it' }];
      }
      const rejected: Rejected[] = [];
      for (const proposal of proposals) rejected.push(...(await append([proposal])));
      return rejected;
    }
  };

  const storeProposals = async (batch: Propose[]): Promise<void> => {
    const proposals = batch.flatMap(({ source, proposals: some }) =>
      some.map((one) => ({ source, ...one }) as Proposal),
    );
    const refused: Rejected[] = [];
    const taken = proposals.filter(({ source, n, event }) => {
      const why = quota.refuses(typeOf(event), jsonBytes(event));
      if (why !== null) refused.push({ source, n, reason: why });
      return why === null;
    });
    deps.onQuota(quota.closed()?.why ?? null);
    const rejected = [...refused, ...(taken.length > 0 ? await append(taken) : [])];
    const [first] = rejected;
    if (first !== undefined)
      log.warn({ sessionId, ...first, count: rejected.length }, 'events of an agent were rejected; the first of them');
    for (const { source, n, reason } of rejected) {
      send({ type: 'reject', source, n, reason: reason.slice(0, 500) });
    }
    const upTo = new Map<string, number>();
    for (const { source, n } of proposals) upTo.set(source, Math.max(n, upTo.get(source) ?? 0));
    for (const [source, n] of upTo) send({ type: 'ack', source, n });
  };

  const storeBlob = async ({ hash, mediaType, base64 }: Blob): Promise<void> => {
    try {
      await events.putBlob(sessionId, { hash, mediaType, bytes: Buffer.from(base64, 'base64') });
    } catch (error) {
      // The event says how much is missing; the agent would send a refused blob for ever.
      if (!(error instanceof AppError) && !isRefusedForGood(error)) throw error;
      log.warn({ err: error, sessionId, hash }, 'a blob of an agent was refused');
    }
    send({ type: 'blob-ack', hash: blobHash.parse(hash) });
  };

  const put = (item: Propose | Blob, bytes: number): void => {
    queue.push({ item, bytes });
    waiting += bytes;
    if (waiting > holdAbove) flow.hold('store');
    run();
  };

  const run = (): void => {
    running ??= work()
      .catch((err: unknown) => {
        if (err instanceof StaleFenceError)
          log.warn(
            { sessionId },
            'another server looks after a session by now: what its agent said here is left to it',
          );
        else log.warn({ err, sessionId }, 'events of an agent could not be stored; the link begins anew');
        stopped = true;
        queue = [];
        drop();
      })
      .finally(() => {
        running = null;
        // Something may have come after the last look.
        if (queue.length > 0) run();
      });
  };

  return {
    /** Says how many events' worth of work came. */
    take(text: string): number {
      if (stopped) return 0;
      const parsed = message.safeParse(parseJson(text));
      if (!parsed.success) {
        strange += 1;
        if (strange === 1)
          log.warn({ sessionId, problem: parsed.error.issues[0]?.message }, 'a message of an agent was not understood');
        if (strange > maxStrange) deps.breakOff('what it says is not understood');
        return 0;
      }
      const said = parsed.data;
      switch (said.type) {
        case 'hello':
          if (said.version > controlVersion)
            log.warn({ sessionId, version: said.version }, 'the agent is newer than this server');
          deps.onHello(said.version);
          deps.onActivity(said.idleMs);
          return 0;
        case 'activity':
          deps.onActivity(said.idleMs);
          return 0;
        case 'propose':
          put(said, text.length);
          return said.proposals.length;
        case 'blob':
          put(said, text.length);
          return blobWeight;
      }
    },
    /** Takes nothing more; what is being stored is finished. */
    stop(): void {
      stopped = true;
      queue = [];
    },
    idle: async (): Promise<void> => {
      await running;
    },
  };
};

const typeOf = (event: unknown): string => String((event as { type?: unknown } | null)?.type);
const jsonBytes = (event: unknown): number => {
  try {
    return JSON.stringify(event).length;
  } catch {
    // Nested beyond what can be written: it is refused for that in any case.
    return 0;
  }
};

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

// What an agent says on its control link: checked, stored in order, acknowledged after the commit.
// It knows no connection; `flow` holds the agent back while the store is behind.

import {
  AppError,
  blobHash,
  commandId,
  controlVersion,
  fromAgentControl,
  type Proposal,
  type ToAgentControl,
} from '@remote-claude/contract';
import { z } from 'zod';

import type { Log } from '../../platform/log.js';
import type { Events } from '../events/index.js';

export interface IntakeDeps {
  sessionId: string;
  events: Events;
  log: Log;
  send(message: ToAgentControl): void;
  /** Ends the connection: the agent says again what was not acknowledged. */
  drop(): void;
  flow: { pause(): void; resume(): void };
  onHello(): void;
  onActivity(idleMs: number): void;
}

/** One bad event is rejected by its number, so here an event is anything. */
const looseProposals = z.object({
  type: z.literal('propose'),
  source: z.string().min(1).max(80),
  proposals: z
    .array(z.object({ n: z.int().positive(), event: z.unknown(), commandIds: z.array(commandId).max(100).optional() }))
    .min(1)
    .max(100),
});
const [hello, , blob, activity] = fromAgentControl.options;
const message = z.discriminatedUnion('type', [hello, looseProposals, blob, activity]);
type Propose = z.infer<typeof looseProposals>;
type Blob = z.infer<typeof blob>;

const maxBatch = 500;
/** A blob takes as much memory as about so many events. */
const blobWeight = 50;
const pauseAbove = 2_000;
const resumeBelow = 500;

export const createIntake = (deps: IntakeDeps) => {
  const { sessionId, events, log, send, drop, flow } = deps;
  let queue: (Propose | Blob)[] = [];
  let waiting = 0;
  let paused = false;
  let stopped = false;
  let running: Promise<void> | null = null;

  const work = async (): Promise<void> => {
    while (queue.length > 0 && !stopped) {
      const [first] = queue;
      if (first?.type === 'blob') {
        queue.shift();
        waiting -= blobWeight;
        await storeBlob(first);
      } else await storeProposals(takeProposals());
      if (paused && waiting < resumeBelow) {
        paused = false;
        flow.resume();
      }
    }
  };

  /** What came while the store was busy goes in one commit. */
  const takeProposals = (): Propose[] => {
    const taken: Propose[] = [];
    let count = 0;
    for (let next = queue[0]; next?.type === 'propose' && count < maxBatch; next = queue[0]) {
      queue.shift();
      taken.push(next);
      count += next.proposals.length;
    }
    waiting -= count;
    return taken;
  };

  const storeProposals = async (batch: Propose[]): Promise<void> => {
    const proposals = batch.flatMap(({ source, proposals: some }) =>
      some.map((one) => ({ source, ...one }) as Proposal),
    );
    const { rejected } = await events.append(sessionId, proposals, { by: 'agent' });
    for (const { source, n, reason } of rejected) {
      log.warn({ sessionId, source, n, reason }, 'an event of an agent was rejected');
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
      if (!(error instanceof AppError)) throw error;
      log.warn({ sessionId, hash, code: error.code }, 'a blob of an agent was refused');
    }
    send({ type: 'blob-ack', hash: blobHash.parse(hash) });
  };

  const put = (item: Propose | Blob): void => {
    queue.push(item);
    waiting += item.type === 'propose' ? item.proposals.length : blobWeight;
    if (!paused && waiting > pauseAbove) {
      paused = true;
      flow.pause();
    }
    run();
  };

  const run = (): void => {
    running ??= work()
      .catch((err: unknown) => {
        log.warn({ err, sessionId }, 'events of an agent could not be stored; the link begins anew');
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
    take(text: string): void {
      if (stopped) return;
      const parsed = message.safeParse(parseJson(text));
      if (!parsed.success) {
        log.warn({ sessionId, problem: parsed.error.issues[0]?.message }, 'a message of an agent was not understood');
        return;
      }
      const said = parsed.data;
      switch (said.type) {
        case 'hello':
          if (said.version > controlVersion)
            log.warn({ sessionId, version: said.version }, 'the agent is newer than this server');
          deps.onHello();
          return deps.onActivity(said.idleMs);
        case 'activity':
          return deps.onActivity(said.idleMs);
        case 'propose':
        case 'blob':
          return put(said);
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

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

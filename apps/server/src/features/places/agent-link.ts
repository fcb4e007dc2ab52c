// The control link to one agent: tells it its commands, stores what it proposes, and notices when it is gone.
// It knows the protocol and one socket at a time; what a lost agent means is the reconciler's matter.

import { agentPaths, type AgentCommand, type ApprovalRule, type ToAgentControl } from '@remote-claude/contract';
import type { WebSocket } from 'ws';

import type { Cancel, Clock } from '../../platform/clock.js';
import type { BrakeLimits } from '../../platform/flow.js';
import type { Log } from '../../platform/log.js';
import type { PlaceMetrics } from '../../platform/metrics/index.js';
import type { Commands, Events, Fence } from '../events/index.js';
import { dialAgent, type AgentDoor, type Dialled } from '../relay/index.js';
import { createIntake } from './intake.js';
import { createOutbox } from './outbox.js';
import type { Quota } from './quota.js';
import { linkRetryMs, nextLinkState, type LinkInput, type LinkState } from './link-state.js';

export interface LinkTiming {
  /** Between pings. */
  heartbeatMs: number;
  /** Without any sign of the agent for so long it counts as lost. */
  deadMs: number;
  minRetryMs: number;
  maxRetryMs: number;
}

/** What is always allowed in a session, by its owner and in its project. */
export interface RuleSource {
  /** `of` are whose rules they are. */
  ofSession(sessionId: string): Promise<{ of: readonly string[]; rules: ApprovalRule[] }>;
}

export interface AgentLinkDeps {
  sessionId: string;
  placeId: string;
  /** The lease that the link belongs to. */
  fence: Fence;
  door: AgentDoor;
  events: Events;
  commands: Commands;
  rules: RuleSource;
  clock: Clock;
  log: Log;
  timing: LinkTiming;
  /** The agent has greeted. */
  onUp(): void;
  /** The link ended, or another try failed. */
  onDown(): void;
  /** Nothing has happened in the session for so long; 0 while it is busy. */
  onActivity(idleMs: number): void;
  quota: Quota;
  /** Why the session's log is closed now; null where it is open. Called often. */
  onQuota(why: string | null): void;
  metrics?: Pick<PlaceMetrics, 'linkUp'>;
}

export interface AgentLink {
  isUp(): boolean;
  /** When the agent was last heard, on the monotonic clock; when the link was made, before that. */
  heardAtMs(): number;
  /** There may be new commands; `next` is the one that was stored last, where that is known. */
  deliver(next?: AgentCommand): void;
  /** What this person always allows, or what is allowed in this project, may be another; null for any. */
  rulesChanged(of: string | null): void;
  /** Resolves when nothing of it is at work. */
  close(): Promise<void>;
}

/** Of messages and the events in them: a journal that was kept through an hour without a server is read in minutes. */
const limits: BrakeLimits = {
  messages: { perSecond: 500, burst: 10_000 },
  bytes: { perSecond: 4e6, burst: 32e6 },
  maxDebt: 10_000,
};
/** What may wait for an agent that does not read: it is told all of it again on its next link. */
const maxWaitingBytes = 16 * 1024 * 1024;
/** Version of the control link since which agents take rules. */
const rulesSince = 2;
const tooOld =
  'This session runs on an older version of this program, which cannot do this. Nothing was changed. Stop the session, start it again, and ask again.';

export const createAgentLink = (deps: AgentLinkDeps): AgentLink => {
  const { sessionId, placeId, commands, clock, log, timing } = deps;
  let state: LinkState = 'idle';
  let failures = 0;
  let wasUp = false;
  const madeAtMs = clock.monotonicMs();
  let heardAtMs = (): number => madeAtMs;
  let socket: WebSocket | null = null;
  let cancelTimer: Cancel = () => {};
  let working: Promise<void> = Promise.resolve();

  const step = (input: LinkInput): boolean => {
    const before = state;
    state = nextLinkState(state, input);
    return state !== before;
  };

  const dial = (): void => {
    if (!step('dial')) return;
    dialAgent({ ...deps, path: agentPaths.control, limits }).then(
      (dialled) => {
        if (step('opened')) serve(dialled);
        else dialled.socket.terminate();
      },
      (error: unknown) => {
        log.debug({ sessionId, cause: String(error) }, 'the agent does not answer');
        lost();
      },
    );
  };

  /** `leastMs`: the pause before an agent that broke the rules is called again. */
  const lost = (leastMs = 0): void => {
    if (!step('lost')) return;
    cancelTimer();
    socket = null;
    cancelTimer = clock.after(Math.max(leastMs, linkRetryMs(failures, timing, Math.random())), dial);
    failures += 1;
    deps.onDown();
  };

  const serve = ({ socket: opened, hold }: Dialled): void => {
    socket = opened;
    const line = hold({
      take: (data, isBinary) => {
        if (isBinary) line.breakOff('it sent bytes');
        return 1 + (isBinary ? 0 : intake.take((data as Buffer).toString()));
      },
    });
    heardAtMs = line.heardAtMs;
    const { breakOff, flow } = line;
    const send = (message: ToAgentControl, sent?: () => void): void => {
      if (opened.readyState !== opened.OPEN) return sent?.();
      if (opened.bufferedAmount > maxWaitingBytes) breakOff('it does not read what it is told');
      opened.send(JSON.stringify(message), () => sent?.());
    };
    const drop = (): void => opened.terminate();
    const outbox = createOutbox({ sessionId, placeId, commands, log, send, drop, refuse });
    const intake = createIntake({
      sessionId,
      fence: deps.fence,
      events: deps.events,
      log,
      send,
      drop,
      flow,
      breakOff,
      onActivity: deps.onActivity,
      quota: deps.quota,
      onQuota: deps.onQuota,
      onHello: (version) => {
        if (!step('hello')) return;
        deps.metrics?.linkUp(wasUp);
        wasUp = true;
        // An agent of the version before knows no rules, and asks.
        if (version >= rulesSince) tellRules = () => sayRules(send, drop);
        tellRules();
        deliver = (next) => outbox.deliver(version, next);
        deliver();
        deps.onUp();
      },
    });
    const openedAtMs = clock.monotonicMs();
    opened.once('close', () => {
      deliver = () => {};
      tellRules = () => {};
      intake.stop();
      // A link that held is no failure; one that comes and goes is not called as fast as it goes.
      if (clock.monotonicMs() - openedAtMs > timing.maxRetryMs) failures = 0;
      working = Promise.all([working, intake.idle(), outbox.idle()]).then(() => {});
      lost(line.isBroken() ? timing.deadMs : 0);
    });
  };

  /** An older agent ends its link over a command that it does not know, and would be told it again. */
  const refuse = async ({ id, type }: AgentCommand): Promise<void> => {
    const event = { type: 'command.refused', commandId: id, command: type, reason: tooOld } as const;
    const proposal = { source: `refused:${id}`, n: 1, event, commandIds: [id] };
    await deps.events.append(sessionId, [proposal], { by: 'server', fence: deps.fence });
  };

  /** Whose rules the agent was told; null before the first time. */
  let toldOf: readonly string[] | null = null;
  let telling: Promise<void> = Promise.resolve();
  const sayRules = (send: (message: ToAgentControl) => void, drop: () => void): void => {
    // One after the other, so that the last word is the newest.
    telling = telling
      .then(() => deps.rules.ofSession(sessionId))
      .then(
        (found) => {
          toldOf = found.of;
          send({ type: 'rules', rules: found.rules });
        },
        (err: unknown) => {
          log.warn({ err, sessionId }, 'what is always allowed could not be read; the link begins anew');
          drop();
        },
      );
  };

  let deliver = (_next?: AgentCommand): void => {};
  let tellRules = (): void => {};
  dial();
  return {
    isUp: () => state === 'up',
    heardAtMs: () => heardAtMs(),
    deliver: (next) => deliver(next),
    rulesChanged: (of) => {
      if (of === null || toldOf === null || toldOf.includes(of)) tellRules();
    },
    async close() {
      step('close');
      cancelTimer();
      const open = socket;
      socket = null;
      if (open !== null && open.readyState !== open.CLOSED) {
        await new Promise<void>((resolve) => {
          open.once('close', () => resolve());
          open.terminate();
        });
      }
      await working;
      await telling;
    },
  };
};

// The control link to one agent: tells it its commands, stores what it proposes, and notices when it is gone.
// It knows the protocol and one socket at a time; what a lost agent means is the reconciler's matter.

import { agentPaths, type ToAgentControl } from '@remote-claude/contract';
import type { RawData, WebSocket } from 'ws';

import type { Cancel, Clock } from '../../platform/clock.js';
import type { Log } from '../../platform/log.js';
import type { Commands, Events } from '../events/index.js';
import type { AgentDoor } from '../relay/index.js';
import { createIntake } from './intake.js';
import { linkRetryMs, nextLinkState, type LinkInput, type LinkState } from './link-state.js';

export interface LinkTiming {
  /** Between pings. */
  heartbeatMs: number;
  /** Without any sign of the agent for so long it counts as lost. */
  deadMs: number;
  minRetryMs: number;
  maxRetryMs: number;
}

export interface AgentLinkDeps {
  sessionId: string;
  door: AgentDoor;
  events: Events;
  commands: Commands;
  clock: Clock;
  log: Log;
  timing: LinkTiming;
  /** The agent has greeted. */
  onUp(): void;
  /** The link ended, or another try failed. */
  onDown(): void;
  /** Nothing has happened in the session for so long; 0 while it is busy. */
  onActivity(idleMs: number): void;
}

export interface AgentLink {
  isUp(): boolean;
  /** When the agent was last heard, on the monotonic clock; when the link was made, before that. */
  heardAtMs(): number;
  /** There may be new commands. */
  deliver(): void;
  /** Resolves when nothing of it is at work. */
  close(): Promise<void>;
}

const commandPage = 100;

export const createAgentLink = (deps: AgentLinkDeps): AgentLink => {
  const { sessionId, door, commands, clock, log, timing } = deps;
  let state: LinkState = 'idle';
  let failures = 0;
  let heardAtMs = clock.monotonicMs();
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
    door.connect(sessionId, agentPaths.control).then(
      (opened) => {
        if (step('opened')) serve(opened);
        else opened.terminate();
      },
      (error: unknown) => {
        log.debug({ sessionId, cause: String(error) }, 'the agent does not answer');
        lost();
      },
    );
  };

  const lost = (): void => {
    if (!step('lost')) return;
    cancelTimer();
    socket = null;
    cancelTimer = clock.after(linkRetryMs(failures, timing, Math.random()), dial);
    failures += 1;
    deps.onDown();
  };

  const serve = (opened: WebSocket): void => {
    socket = opened;
    heardAtMs = clock.monotonicMs();
    const heard = (): void => {
      heardAtMs = clock.monotonicMs();
    };
    const send = (message: ToAgentControl): void => {
      if (opened.readyState === opened.OPEN) opened.send(JSON.stringify(message));
    };
    const drop = (): void => opened.terminate();
    const outbox = createOutbox({ sessionId, commands, log, send, drop });
    const intake = createIntake({
      sessionId,
      events: deps.events,
      log,
      send,
      drop,
      flow: opened,
      onActivity: deps.onActivity,
      onHello: () => {
        if (!step('hello')) return;
        failures = 0;
        deliver = outbox.deliver;
        deliver();
        deps.onUp();
      },
    });
    opened.on('message', (data: RawData, isBinary: boolean) => {
      heard();
      if (isBinary) log.warn({ sessionId }, 'the agent sent bytes on its control link');
      else intake.take(data.toString());
    });
    opened.on('pong', heard);
    opened.on('error', () => {});
    opened.once('close', () => {
      deliver = () => {};
      intake.stop();
      working = Promise.all([working, intake.idle(), outbox.idle()]).then(() => {});
      lost();
    });
    beat(opened);
  };

  const beat = (current: WebSocket): void => {
    cancelTimer = clock.after(timing.heartbeatMs, () => {
      if (current !== socket) return;
      if (clock.monotonicMs() - heardAtMs > timing.deadMs) {
        log.info({ sessionId }, 'the agent has not been heard and its link is closed');
        current.terminate();
        return;
      }
      if (current.readyState === current.OPEN) current.ping();
      beat(current);
    });
  };

  let deliver = (): void => {};
  dial();
  return {
    isUp: () => state === 'up',
    heardAtMs: () => heardAtMs,
    deliver: () => deliver(),
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
    },
  };
};

interface OutboxDeps {
  sessionId: string;
  commands: Commands;
  log: Log;
  send(message: ToAgentControl): void;
  drop(): void;
}

/** Sends what is pending in order; on a new socket from the beginning, since an agent does each id once. */
const createOutbox = ({ sessionId, commands, log, send, drop }: OutboxDeps) => {
  let position = 0;
  let stale = false;
  let running: Promise<void> | null = null;

  const work = async (): Promise<void> => {
    while (stale) {
      stale = false;
      const pending = await commands.pending(sessionId, position, commandPage);
      for (const { position: at, command } of pending) {
        send({ type: 'command', command });
        position = at;
      }
      stale ||= pending.length === commandPage;
    }
  };
  const run = (): void => {
    running ??= work()
      .catch((err: unknown) => {
        stale = false;
        log.warn({ err, sessionId }, 'commands could not be read; the link begins anew');
        drop();
      })
      .finally(() => {
        running = null;
        if (stale) run();
      });
  };
  const deliver = (): void => {
    stale = true;
    run();
  };
  return { deliver, idle: async () => running };
};

// One live line to a session's agent for all who watch it: what streams now, and what changes on its disk.
// It comes back by itself while somebody watches. What it says is a claim by code in the session: only live kinds pass.

import {
  agentPaths,
  serverMessage,
  type LiveMessage,
  type ServerMessage,
  type ServerMessageType,
} from '@remote-claude/contract';
import type { RawData, WebSocket } from 'ws';

import type { Cancel, Clock } from '../../platform/clock.js';
import { createBrake, createFlow, type BrakeLimits } from '../../platform/flow.js';
import { keepAlive, type HeartbeatTiming } from '../../platform/keep-alive.js';
import type { Log } from '../../platform/log.js';
import type { AgentDoor } from '../relay/index.js';

export interface AgentFeedDeps {
  sessionId: string;
  door: AgentDoor;
  clock: Clock;
  log: Log;
  timing: HeartbeatTiming & { minRetryMs: number; maxRetryMs: number };
  onMessage(message: ServerMessage): void;
  onReachable(reachable: boolean): void;
}

const liveKinds: ReadonlySet<ServerMessageType> = new Set([
  'open-block',
  'claude-stream',
  'block-dropped',
  'claude-complete',
  'notice',
  'tool-progress',
  'files-changed',
]);

/** An agent that is held drops what passes and tells how it stands then, so this costs an honest one nothing. */
const limits: BrakeLimits = {
  messages: { perSecond: 1_000, burst: 4_000 },
  bytes: { perSecond: 8e6, burst: 16e6 },
  maxDebt: 4_000,
};
/** What no agent of ours says; noise of another version is passed over. */
const maxNoise = 1_000;

/** An agent that always leaves gaps is not asked more often. */
const resubscribeEveryMs = 1_000;

export const parseAgentMessage = (data: RawData, kinds: ReadonlySet<ServerMessageType>): ServerMessage | null => {
  let value: unknown;
  try {
    value = JSON.parse(data.toString());
  } catch {
    return null;
  }
  const parsed = serverMessage.safeParse(value);
  return parsed.success && kinds.has(parsed.data.type) ? parsed.data : null;
};

const subscription = (of: 'events' | 'files', action: 'subscribe' | 'unsubscribe'): LiveMessage => ({
  id: `feed-${of}`,
  type: 'stream',
  payload: { action, of },
});

export const createAgentFeed = (deps: AgentFeedDeps) => {
  const { sessionId, door, clock, log, timing } = deps;
  let socket: WebSocket | null = null;
  let dialing = false;
  let wanted = false;
  let closed = false;
  let files = false;
  let failures = 0;
  let resubscribedAtMs = -Infinity;
  let cancelRetry: Cancel = () => {};

  const send = (message: LiveMessage): void => {
    if (socket?.readyState === socket?.OPEN) socket?.send(JSON.stringify(message));
  };

  const dial = (): void => {
    cancelRetry();
    if (closed || !wanted || dialing || socket !== null) return;
    dialing = true;
    door.connect(sessionId, agentPaths.live).then(
      (opened) => {
        dialing = false;
        if (closed || !wanted) opened.terminate();
        else serve(opened);
      },
      () => {
        dialing = false;
        retry();
      },
    );
  };

  const retry = (leastMs = 0): void => {
    if (closed || !wanted) return;
    const pauseMs = Math.min(timing.maxRetryMs, timing.minRetryMs * 2 ** Math.min(failures, 20));
    failures += 1;
    cancelRetry = clock.after(Math.max(leastMs, pauseMs * (0.5 + Math.random() / 2)), dial);
  };

  const serve = (opened: WebSocket): void => {
    socket = opened;
    failures = 0;
    keepAlive(opened, clock, timing);
    const brake = createBrake(createFlow(opened), clock, limits);
    let noise = 0;
    let broken = false;
    const breakOff = (): void => {
      broken = true;
      log.warn({ sessionId }, 'an agent says far more on its live line than it may; the line is closed for a while');
      opened.terminate();
    };
    opened.on('error', () => {});
    opened.on('message', (data: RawData, isBinary: boolean) => {
      if (broken) return;
      if (!brake.spend(1, (data as Buffer).length)) return breakOff();
      const message = isBinary ? null : parseAgentMessage(data, liveKinds);
      if (message !== null) return deps.onMessage(message);
      noise += 1;
      if (noise > maxNoise) breakOff();
    });
    opened.once('close', () => {
      socket = null;
      if (!closed) deps.onReachable(false);
      retry(broken ? timing.deadMs : 0);
    });
    // Before the subscription: what was open is told anew by the snapshots that answer it.
    deps.onReachable(true);
    send(subscription('events', 'subscribe'));
    if (files) send(subscription('files', 'subscribe'));
  };

  return {
    isUp: (): boolean => socket !== null,
    /** Whether there is an agent to reach at all. */
    want(reachable: boolean): void {
      wanted = reachable;
      if (!wanted) {
        cancelRetry();
        return;
      }
      failures = 0;
      dial();
    },
    /** Whether anybody wants to know of changes on the disk. */
    wantFiles(now: boolean): void {
      if (files === now) return;
      files = now;
      send(subscription('files', now ? 'subscribe' : 'unsubscribe'));
    },
    /** Has the open blocks told again, where some of a block was missed. */
    resubscribe(): void {
      if (clock.monotonicMs() - resubscribedAtMs < resubscribeEveryMs) return;
      resubscribedAtMs = clock.monotonicMs();
      send(subscription('events', 'unsubscribe'));
      send(subscription('events', 'subscribe'));
    },
    close(): void {
      closed = true;
      cancelRetry();
      socket?.terminate();
    },
  };
};

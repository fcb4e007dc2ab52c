// The hub's own line to an agent: what streams from Claude and from the disk, for all viewers of a session.
// It comes back by itself; it knows no viewer.

import { agentPaths, serverMessage, type ServerMessage } from '@remote-claude/contract';
import type { RawData, WebSocket } from 'ws';

import type { Cancel, Clock } from '../../platform/clock.js';
import type { AgentDoor } from '../relay/index.js';

export interface LiveLinkDeps {
  sessionId: string;
  door: AgentDoor;
  clock: Clock;
  timing: { heartbeatMs: number; deadMs: number; minRetryMs: number; maxRetryMs: number };
  onMessage(message: ServerMessage): void;
  /** The line is up, and snapshots of open blocks follow; or it is down. */
  onReachable(reachable: boolean): void;
}

const passed = new Set<ServerMessage['type']>([
  'claude-stream',
  'open-block',
  'block-dropped',
  'claude-complete',
  'notice',
  'tool-progress',
  'files-changed',
]);

export const createLiveLink = (deps: LiveLinkDeps) => {
  const { sessionId, door, clock, timing } = deps;
  let socket: WebSocket | null = null;
  let failures = 0;
  let closed = false;
  let dialing = false;
  let cancelTimer: Cancel = () => {};

  const dial = (): void => {
    if (closed || dialing || socket !== null) return;
    dialing = true;
    cancelTimer();
    door
      .connect(sessionId, agentPaths.live)
      .then(serve, () => retry())
      .finally(() => {
        dialing = false;
      });
  };

  const retry = (): void => {
    if (closed) return;
    const delayMs = Math.min(timing.maxRetryMs, timing.minRetryMs * 2 ** failures) * (0.75 + Math.random() / 2);
    failures = Math.min(failures + 1, 10);
    cancelTimer();
    cancelTimer = clock.after(delayMs, dial);
  };

  const serve = (opened: WebSocket): void => {
    if (closed) return opened.terminate();
    socket = opened;
    failures = 0;
    let heardAtMs = clock.monotonicMs();
    const beat = (): void => {
      if (clock.monotonicMs() - heardAtMs > timing.deadMs) return opened.terminate();
      opened.ping();
      cancelTimer = clock.after(timing.heartbeatMs, beat);
    };
    opened.on('pong', () => {
      heardAtMs = clock.monotonicMs();
    });
    opened.on('message', (data: RawData, isBinary: boolean) => {
      heardAtMs = clock.monotonicMs();
      if (!isBinary) receive(data);
    });
    opened.on('error', () => {});
    opened.once('close', () => {
      cancelTimer();
      socket = null;
      if (closed) return;
      deps.onReachable(false);
      retry();
    });
    deps.onReachable(true);
    for (const of of ['events', 'files'] as const) {
      opened.send(JSON.stringify({ id: of, type: 'stream', payload: { action: 'subscribe', of } }));
    }
    beat();
  };

  const receive = (data: RawData): void => {
    let value: unknown;
    try {
      value = JSON.parse((data as Buffer).toString('utf8'));
    } catch {
      return;
    }
    // What an agent says is a claim by code in that session.
    const parsed = serverMessage.safeParse(value);
    if (parsed.success && passed.has(parsed.data.type)) deps.onMessage({ ...parsed.data, id: '' });
  };

  dial();
  return {
    isUp: (): boolean => socket !== null,
    /** Something suggests that the agent is there: no need to wait for the next try. */
    hurry(): void {
      failures = 0;
      dial();
    },
    close(): void {
      closed = true;
      cancelTimer();
      socket?.terminate();
    },
  };
};
export type LiveLink = ReturnType<typeof createLiveLink>;

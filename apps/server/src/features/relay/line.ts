// A socket to an agent, dialled and held within limits: what comes too fast waits, who says far too much is cut off, and
// who is silent for too long is gone. It knows no message.

import type { RawData, WebSocket } from 'ws';

import type { Clock } from '../../platform/clock.js';
import { createBrake, createFlow, type BrakeLimits, type Flow } from '../../platform/flow.js';
import { keepAlive, type HeartbeatTiming } from '../../platform/keep-alive.js';
import type { Log } from '../../platform/log.js';
import type { AgentDoor } from './agent-door.js';

export interface LineDeps {
  sessionId: string;
  path: string;
  door: AgentDoor;
  clock: Clock;
  log: Log;
  timing: HeartbeatTiming;
  limits: BrakeLimits;
}

export interface LineUse {
  /** Says what a message weighs against the limit. Not called any more once the line was broken off. */
  take(data: RawData, isBinary: boolean): number;
  /** The agent broke the rules: its socket ends now. */
  onBreak?(): void;
  /** Bytes that were given to the socket so far. */
  sentBytes?(): number;
}

export interface AgentLine {
  flow: Flow;
  /** When the agent was last heard, on the monotonic clock. */
  heardAtMs(): number;
  /** Ends it for what no honest agent would say. */
  breakOff(why: string): void;
  isBroken(): boolean;
}

export interface Dialled {
  socket: WebSocket;
  /** At once, before anything else of the event loop runs: messages may be there already. */
  hold(use: LineUse): AgentLine;
}

/** Rejects as the door does. The caller owns the socket. */
export const dialAgent = async (deps: LineDeps): Promise<Dialled> => {
  const socket = await deps.door.connect(deps.sessionId, deps.path);
  return { socket, hold: (use) => hold(socket, deps, use) };
};

const hold = (
  socket: WebSocket,
  { sessionId, path, clock, log, timing, limits }: LineDeps,
  use: LineUse,
): AgentLine => {
  const flow = createFlow(socket);
  const brake = createBrake(flow, clock, limits);
  const life = keepAlive(socket, clock, timing, {
    ...(use.sentBytes && { sentBytes: use.sentBytes }),
    onDead: () => log.info({ sessionId, path }, 'the agent has not been heard and its line is closed'),
  });
  let isBroken = false;
  const breakOff = (why: string): void => {
    if (isBroken) return;
    isBroken = true;
    log.warn({ sessionId, path, why }, 'an agent breaks the rules of its line, which is closed for a while');
    use.onBreak?.();
    socket.terminate();
  };
  socket.on('error', () => {});
  socket.on('message', (data: RawData, isBinary: boolean) => {
    if (isBroken) return;
    const weight = use.take(data, isBinary);
    if (!brake.spend(weight, (data as Buffer).length)) breakOff('it says far too much');
  });
  return { flow, heardAtMs: life.heardAtMs, breakOff, isBroken: () => isBroken };
};

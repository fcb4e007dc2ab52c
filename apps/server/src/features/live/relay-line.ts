// A viewer's own line to the agent: terminals, files and commands. Opened at the first need, bytes pass unparsed.
// It knows which kinds an agent may say here, and no rule about who may ask.

import {
  agentPaths,
  AppError,
  frameHeaderBytes,
  frameKind,
  type LiveMessage,
  type LiveViewer,
  type ServerMessageType,
} from '@remote-claude/contract';
import type { RawData, WebSocket } from 'ws';

import type { Clock } from '../../platform/clock.js';
import type { BrakeLimits } from '../../platform/flow.js';
import type { HeartbeatTiming } from '../../platform/keep-alive.js';
import type { Log } from '../../platform/log.js';
import { dialAgent, type AgentDoor, type Dialled } from '../relay/index.js';
import { parseAgentMessage } from './agent-feed.js';
import type { Outlet } from './outlet.js';

export interface RelayLineDeps {
  sessionId: string;
  /** Who the viewer is: of several people one types. */
  person: LiveViewer;
  door: AgentDoor;
  clock: Clock;
  log: Log;
  timing: HeartbeatTiming;
  /** The viewer. */
  outlet: Outlet;
  /** Whether terminal frames may go to this viewer. */
  binary: boolean;
  /** The line broke: what it carried begins anew. */
  onBroken(): void;
}

const relayedKinds: ReadonlySet<ServerMessageType> = new Set([
  'terminal-screen',
  'terminal-data',
  'terminal-resized',
  'terminal-writer',
  'terminal-ack',
  'terminal-result',
  'file-result',
  'execute-result',
  'stream',
  'error',
]);

/** A message costs as much as so many frames, which are not parsed. */
const messageWeight = 10;
/** Above what a terminal can print; what a viewer takes is another matter and holds the line earlier. */
const limits: BrakeLimits = {
  messages: { perSecond: 20_000, burst: 40_000 },
  bytes: { perSecond: 64e6, burst: 64e6 },
  maxDebt: 20_000,
};
/** Before the line is there; a viewer is not read long before. */
const maxWaitingBytes = 8 * 1024 * 1024;
/** What one more item costs beside its bytes. */
const itemBytes = 2_048;
/** An agent works on fewer at a time, and refuses the others by itself. */
const maxOpen = 256;
const maxAheadBytes = 1024 * 1024;

export const createRelayLine = (deps: RelayLineDeps) => {
  const { clock, outlet } = deps;
  let socket: WebSocket | null = null;
  let dialing = false;
  let closed = false;
  let waiting: (LiveMessage | Buffer)[] = [];
  let waitingBytes = 0;
  /** To the present socket. */
  let sentBytes = 0;
  /** An agent that broke the rules is not called again before. */
  let refusedUntilMs = -Infinity;
  /** Requests whose answer has not come, by id. */
  const open = new Map<string, LiveMessage['type']>();

  const put = (agent: WebSocket, item: LiveMessage | Buffer): void => {
    const data = Buffer.isBuffer(item) ? item : JSON.stringify(item);
    sentBytes += Buffer.byteLength(data);
    agent.send(data, { binary: Buffer.isBuffer(item) }, afterSend);
    if (agent.bufferedAmount > maxAheadBytes) outlet.input.hold('agent');
  };
  const afterSend = (): void => {
    if (socket === null || socket.bufferedAmount < maxAheadBytes / 4) outlet.input.release('agent');
  };

  const fail = (items: Iterable<string>, error: AppError): void => {
    for (const id of items) outlet.error(id, error);
  };

  const dial = (): void => {
    dialing = true;
    const viewer = new URLSearchParams({ viewer: JSON.stringify(deps.person) });
    dialAgent({ ...deps, path: `${agentPaths.live}?${viewer.toString()}`, limits }).then(serve, (thrown: unknown) => {
      dialing = false;
      const error = thrown instanceof AppError ? thrown : new AppError('unavailable', {}, { cause: thrown });
      const ids = waiting.flatMap((item) => (Buffer.isBuffer(item) ? [] : [item.id]));
      const wasTyped = ids.length < waiting.length;
      waiting = [];
      waitingBytes = 0;
      open.clear();
      outlet.input.release('agent');
      if (closed) return;
      fail(ids, error);
      if (wasTyped) deps.onBroken();
    });
  };

  const serve = ({ socket: opened, hold }: Dialled): void => {
    dialing = false;
    if (closed) return opened.terminate();
    socket = opened;
    sentBytes = 0;
    let isHeld = false;
    const line = hold({
      sentBytes: () => sentBytes,
      onBreak: () => {
        refusedUntilMs = clock.monotonicMs() + deps.timing.deadMs;
      },
      take: (data, isBinary) => {
        onMessage(data, isBinary);
        // A viewer that reads slowly holds its own line back, and nobody else's.
        if (!isHeld && outlet.isBehind()) {
          isHeld = true;
          line.flow.hold('viewer');
          outlet.whenDrained(() => {
            isHeld = false;
            line.flow.release('viewer');
          });
        }
        return isBinary ? 1 : messageWeight;
      },
    });
    opened.once('close', () => {
      socket = null;
      outlet.input.release('agent');
      if (closed) return;
      const ids = [...open.keys()];
      open.clear();
      fail(
        ids,
        new AppError('place_unreachable', {
          message: 'The session went away before it answered; what it did is not known.',
        }),
      );
      deps.onBroken();
    });
    const items = waiting;
    waiting = [];
    waitingBytes = 0;
    for (const item of items) put(opened, item);
  };

  const onMessage = (data: RawData, isBinary: boolean): void => {
    if (isBinary) {
      const frame = data as Buffer;
      if (deps.binary && frame.length >= frameHeaderBytes && frame[0] === frameKind.output) outlet.bytes(frame);
    } else {
      const message = parseAgentMessage(data, relayedKinds);
      if (message === null) return;
      if (message.type !== 'stream' && message.type !== 'terminal-data') open.delete(message.id);
      outlet.message(message);
    }
  };

  const refuse = (item: LiveMessage | Buffer, error: AppError): void => {
    if (!Buffer.isBuffer(item)) outlet.error(item.id, error);
  };
  const sizeOf = (item: LiveMessage | Buffer): number =>
    itemBytes + (Buffer.isBuffer(item) ? item.length : JSON.stringify(item).length);

  return {
    send(item: LiveMessage | Buffer): void {
      if (closed) return;
      if (!Buffer.isBuffer(item) && (item.type === 'file' || item.type === 'execute')) {
        if (open.size >= maxOpen)
          return refuse(item, new AppError('rate_limited', { message: `${maxOpen} requests wait for their answers.` }));
        open.set(item.id, item.type);
      }
      if (socket !== null && socket.readyState === socket.OPEN) return put(socket, item);
      const size = sizeOf(item);
      if (waitingBytes + size > maxWaitingBytes || clock.monotonicMs() < refusedUntilMs) {
        if (!Buffer.isBuffer(item)) open.delete(item.id);
        return refuse(item, new AppError('place_unreachable'));
      }
      waiting.push(item);
      waitingBytes += size;
      if (waitingBytes > maxAheadBytes) outlet.input.hold('agent');
      if (!dialing) dial();
    },
    close(): void {
      closed = true;
      waiting = [];
      socket?.terminate();
    },
  };
};

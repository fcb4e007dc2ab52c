// A viewer's own line to the agent: terminals, files and commands. Opened at the first need, bytes pass unparsed.
// It knows which kinds an agent may say here, and no rule about who may ask.

import {
  agentPaths,
  AppError,
  frameHeaderBytes,
  frameKind,
  type LiveMessage,
  type ServerMessageType,
} from '@remote-claude/contract';
import type { RawData, WebSocket } from 'ws';

import type { Clock } from '../../platform/clock.js';
import type { AgentDoor } from '../relay/index.js';
import { parseAgentMessage } from './agent-feed.js';
import { keepAlive, type HeartbeatTiming } from './keep-alive.js';
import type { Outlet } from './outlet.js';

export interface RelayLineDeps {
  sessionId: string;
  door: AgentDoor;
  clock: Clock;
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
  'terminal-ack',
  'terminal-result',
  'file-result',
  'execute-result',
  'stream',
  'error',
]);

const maxWaiting = 200;
const maxAheadBytes = 1024 * 1024;

export const createRelayLine = (deps: RelayLineDeps) => {
  const { sessionId, door, clock, outlet } = deps;
  let socket: WebSocket | null = null;
  let dialing = false;
  let closed = false;
  let waiting: (LiveMessage | Buffer)[] = [];
  /** Requests whose answer has not come, by id. */
  const open = new Map<string, LiveMessage['type']>();

  const put = (agent: WebSocket, item: LiveMessage | Buffer): void => {
    if (Buffer.isBuffer(item)) agent.send(item, { binary: true }, afterSend);
    else agent.send(JSON.stringify(item), afterSend);
    if (agent.bufferedAmount > maxAheadBytes) outlet.pauseInput();
  };
  const afterSend = (): void => {
    if (socket === null || socket.bufferedAmount < maxAheadBytes / 4) outlet.resumeInput();
  };

  const fail = (items: Iterable<string>, error: AppError): void => {
    for (const id of items) outlet.error(id, error);
  };

  const dial = (): void => {
    dialing = true;
    door.connect(sessionId, agentPaths.live).then(serve, (thrown: unknown) => {
      dialing = false;
      const error = thrown instanceof AppError ? thrown : new AppError('unavailable', {}, { cause: thrown });
      const ids = waiting.flatMap((item) => (Buffer.isBuffer(item) ? [] : [item.id]));
      waiting = [];
      open.clear();
      if (!closed) fail(ids, error);
    });
  };

  const serve = (opened: WebSocket): void => {
    dialing = false;
    if (closed) return opened.terminate();
    socket = opened;
    keepAlive(opened, clock, deps.timing);
    opened.on('error', () => {});
    opened.on('message', onMessage);
    opened.once('close', () => {
      socket = null;
      outlet.resumeInput();
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
    // A viewer that reads slowly holds its own line back, and nobody else's.
    const agent = socket;
    if (agent !== null && outlet.isBehind()) {
      agent.pause();
      outlet.whenDrained(() => agent.resume());
    }
  };

  return {
    send(item: LiveMessage | Buffer): void {
      if (closed) return;
      if (!Buffer.isBuffer(item) && (item.type === 'file' || item.type === 'execute')) open.set(item.id, item.type);
      if (socket !== null && socket.readyState === socket.OPEN) return put(socket, item);
      if (waiting.length >= maxWaiting) {
        if (!Buffer.isBuffer(item)) outlet.error(item.id, new AppError('place_unreachable'));
        return;
      }
      waiting.push(item);
      if (!dialing) dial();
    },
    close(): void {
      closed = true;
      waiting = [];
      socket?.terminate();
    },
  };
};

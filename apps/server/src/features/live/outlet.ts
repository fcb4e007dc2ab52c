// What goes to one viewer, and how far it is behind. It knows ceilings in bytes and no message's meaning.

import type { AppError, ErrorCode, ServerMessage } from '@remote-claude/contract';
import type { WebSocket } from 'ws';

import { createFlow, type Flow } from '../../platform/flow.js';

/** Given to the socket at a time: what it has goes out as one piece, of which nothing is known until it is gone. */
const aheadBytes = 64 * 1024;
/** Behind by more than this, a viewer is told states in place of steps. */
const behindBytes = 512 * 1024;
const drainedBytes = 128 * 1024;
/** Behind by more than this it is told nothing more. */
const hopelessBytes = 4 * 1024 * 1024;
/** As of 408: it took too long to read. */
const closeTooSlow = 4408;

export interface Outlet {
  message(message: ServerMessage): void;
  bytes(frame: Buffer): void;
  error(id: string, error: AppError): void;
  isBehind(): boolean;
  /** Calls back once when the viewer has read most of it; at once where it has. Never after the socket closed. */
  whenDrained(action: () => void): void;
  /** Whether the viewer's own words are read. */
  input: Flow;
  /** Given to the socket so far. */
  sentBytes(): number;
}

export const createOutlet = (socket: WebSocket, onRefused: (code: ErrorCode) => void = () => {}): Outlet => {
  const input = createFlow(socket);
  let queue: (string | Buffer)[] = [];
  let taken = 0;
  let queuedBytes = 0;
  let waiting: (() => void)[] = [];
  let sentBytes = 0;

  const isOpen = (): boolean => socket.readyState === socket.OPEN;
  const hasRoom = (): boolean => socket.bufferedAmount < aheadBytes;
  const untoldBytes = (): number => queuedBytes + socket.bufferedAmount;

  const put = (data: string | Buffer): void => {
    sentBytes += Buffer.byteLength(data);
    socket.send(data, { binary: typeof data !== 'string' }, sent);
  };
  const sent = (): void => {
    while (taken < queue.length && hasRoom() && isOpen()) {
      const next = queue[taken] ?? '';
      taken += 1;
      queuedBytes -= Buffer.byteLength(next);
      put(next);
    }
    if (taken === queue.length) {
      queue = [];
      taken = 0;
    }
    if (waiting.length === 0 || untoldBytes() > drainedBytes || !isOpen()) return;
    const actions = waiting;
    waiting = [];
    for (const action of actions) action();
  };
  const send = (data: string | Buffer): void => {
    if (!isOpen()) return;
    if (queue.length === 0 && hasRoom()) return put(data);
    queue.push(data);
    queuedBytes += Buffer.byteLength(data);
    if (untoldBytes() <= hopelessBytes) return;
    queue = [];
    taken = queuedBytes = 0;
    socket.close(closeTooSlow, 'You read too slowly. Come back for what you missed.');
  };
  const message = (value: ServerMessage): void => send(JSON.stringify(value));

  return {
    message,
    bytes: send,
    error(id, error) {
      onRefused(error.code);
      message({ id: id.slice(0, 64), type: 'error', payload: error.toPayload() });
    },
    isBehind: () => untoldBytes() > behindBytes,
    whenDrained(action) {
      if (untoldBytes() <= drainedBytes) action();
      else waiting.push(action);
    },
    input,
    sentBytes: () => sentBytes,
  };
};

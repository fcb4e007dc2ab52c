// What goes to one viewer, and how far it is behind. It knows ceilings in bytes and no message's meaning.

import type { AppError, ServerMessage } from '@remote-claude/contract';
import type { WebSocket } from 'ws';

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
  pauseInput(): void;
  resumeInput(): void;
}

export const createOutlet = (socket: WebSocket): Outlet => {
  let waiting: (() => void)[] = [];
  let paused = false;

  const isOpen = (): boolean => socket.readyState === socket.OPEN;
  const sent = (): void => {
    if (waiting.length === 0 || socket.bufferedAmount > drainedBytes || !isOpen()) return;
    const actions = waiting;
    waiting = [];
    for (const action of actions) action();
  };
  const send = (data: string | Buffer): void => {
    if (!isOpen()) return;
    socket.send(data, { binary: typeof data !== 'string' }, sent);
    if (socket.bufferedAmount > hopelessBytes)
      socket.close(closeTooSlow, 'You read too slowly. Come back for what you missed.');
  };
  const message = (value: ServerMessage): void => send(JSON.stringify(value));

  return {
    message,
    bytes: send,
    error: (id, error) => message({ id: id.slice(0, 64), type: 'error', payload: error.toPayload() }),
    isBehind: () => socket.bufferedAmount > behindBytes,
    whenDrained(action) {
      if (socket.bufferedAmount <= drainedBytes) action();
      else waiting.push(action);
    },
    pauseInput() {
      if (paused || !isOpen()) return;
      paused = true;
      socket.pause();
    },
    resumeInput() {
      if (!paused) return;
      paused = false;
      if (isOpen()) socket.resume();
    },
  };
};

/**
 * One live socket as something to send to: what is buffered is bounded, and whoever sends more than the other end takes is
 * told when there is room again. It does not know what is sent.
 */
import type { ServerMessage } from '@remote-claude/contract';
import type { WebSocket } from 'ws';

/** Above this, passing messages are dropped and made up for by a snapshot. */
const maxBufferedBytes = 1024 * 1024;
/** Terminal bytes wait in their ring, which costs nothing: so fewer are handed to the socket. */
const maxTerminalBytes = 256 * 1024;
const drainedBytes = 64 * 1024;

export interface Connection {
  send(message: ServerMessage): void;
  sendFrame(frame: Uint8Array): void;
  /** Room for passing messages. */
  roomy(): boolean;
  /** Room for terminal bytes. */
  writable(): boolean;
  /** Called when what was buffered has gone out. */
  onDrained(listener: () => void): void;
}

export const createConnection = (socket: WebSocket): Connection => {
  const listeners: (() => void)[] = [];
  let full = false;

  const note = (): void => {
    full ||= socket.bufferedAmount > drainedBytes;
  };
  const sent = (): void => {
    if (!full || socket.bufferedAmount > drainedBytes || socket.readyState !== socket.OPEN) return;
    full = false;
    for (const listener of listeners) listener();
  };
  const send = (data: string | Uint8Array, binary: boolean): void => {
    // A socket that is closing has nobody to read; its close event cleans up.
    if (socket.readyState !== socket.OPEN) return;
    socket.send(data, { binary }, sent);
    note();
  };

  return {
    send: (message) => send(JSON.stringify(message), false),
    sendFrame: (frame) => send(frame, true),
    roomy: () => socket.bufferedAmount <= maxBufferedBytes,
    writable: () => socket.bufferedAmount <= maxTerminalBytes && socket.readyState === socket.OPEN,
    onDrained: (listener) => listeners.push(listener),
  };
};

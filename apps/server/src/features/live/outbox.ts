// What goes to one viewer: events always and in order, passing things only while it keeps up. It knows no session.

import { closeCodeOf, type NumberedEvent, type OpenBlock, type ServerMessage } from '@remote-claude/contract';
import type { WebSocket } from 'ws';

export interface OutboxLimits {
  /** Behind by more, a viewer gets no deltas but later the block as it then is. */
  skipAboveBytes: number;
  /** Behind by more, its socket closes; it comes back with its cursor. */
  closeAboveBytes: number;
}

export const createOutbox = (socket: WebSocket, limits: OutboxLimits) => {
  let skipped = false;

  const put = (text: string): void => {
    if (socket.readyState !== socket.OPEN) return;
    if (socket.bufferedAmount > limits.closeAboveBytes) socket.close(closeCodeOf('rate_limited'), 'This viewer is too far behind.');
    else socket.send(text);
  };

  return {
    send: (message: ServerMessage): void => put(JSON.stringify(message)),
    events: (events: readonly NumberedEvent[]): void => put(JSON.stringify({ id: '', type: 'events', payload: { events } })),
    /** Text that is already JSON; left out while the viewer is behind. */
    passing(text: string): void {
      if (skipped || socket.bufferedAmount > limits.skipAboveBytes) skipped = true;
      else put(text);
    },
    passingBytes(bytes: Buffer): void {
      if (socket.readyState === socket.OPEN) socket.send(bytes);
    },
    text: put,
    /** After something was left out and the viewer has caught up: the open blocks as they are now. */
    catchUp(blocks: () => readonly OpenBlock[]): void {
      if (!skipped || socket.bufferedAmount > limits.skipAboveBytes / 4) return;
      skipped = false;
      for (const block of blocks()) put(JSON.stringify({ id: '', type: 'open-block', payload: block }));
    },
    backlogBytes: (): number => socket.bufferedAmount,
  };
};
export type Outbox = ReturnType<typeof createOutbox>;

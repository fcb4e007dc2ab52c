// A bare WebSocket server on loopback, the limit of what a return can cost: it knows no person, no log and no place, and sends
// so many events in one message and so many bytes in frames as soon as it is asked.
import { createServer } from 'node:http';

import { encodeTerminalFrame, frameKind, socketProtocol, type TerminalId } from '@remote-claude/contract';
import { WebSocketServer } from 'ws';

import { freePort } from './started.js';

const frameBytes = 32 * 1024;

export interface Backlog {
  /** As the product told them. */
  events: readonly { seq: number }[];
  terminal: { id: TerminalId; position: number; bytes: Uint8Array } | null;
}

export const openBareServer = async () => {
  let backlog: Backlog = { events: [], terminal: null };
  const port = await freePort();
  const http = createServer();
  const sockets = new WebSocketServer({
    server: http,
    handleProtocols: () => socketProtocol,
    perMessageDeflate: false,
  });
  sockets.on('connection', (socket) => {
    socket.once('message', () => {
      socket.send(JSON.stringify({ type: 'hello', payload: { epoch: 'bare', events: backlog.events } }));
      if (backlog.terminal === null) return;
      const { id, position, bytes } = backlog.terminal;
      for (let at = 0; at < bytes.length; at += frameBytes)
        socket.send(
          encodeTerminalFrame({
            kind: frameKind.output,
            terminalId: id,
            position: position + at,
            bytes: bytes.subarray(at, at + frameBytes),
          }),
        );
    });
  });
  await new Promise<void>((resolve) => http.listen(port, '127.0.0.1', resolve));
  return {
    address: `ws://127.0.0.1:${port}`,
    serve: (next: Backlog): void => void (backlog = next),
    async close(): Promise<void> {
      for (const socket of sockets.clients) socket.terminate();
      sockets.close();
      await new Promise((resolve) => http.close(resolve));
    },
  };
};

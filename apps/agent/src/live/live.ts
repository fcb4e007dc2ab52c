/** The live sockets of an agent. It does not know how they were authorised: who is accepted may do everything here. */
import { closeServiceRestart, liveViewer } from '@remote-claude/contract';
import type { WebSocket } from 'ws';

import type { LivePart } from '../parts.js';
import { serveSocket, type LiveOptions, type SocketViewer } from './viewer-socket.js';

export type { LiveOptions };

const closeWaitMs = 500;

const viewerOf = (url: URL): SocketViewer => {
  try {
    const { mayType, ...person } = liveViewer.parse(JSON.parse(url.searchParams.get('viewer') ?? ''));
    return { person, mayType };
  } catch {
    return { person: null, mayType: true };
  }
};

export const createLive = (options: LiveOptions): LivePart => {
  const sockets = new Set<WebSocket>();
  let closing = false;

  const closeOne = (socket: WebSocket): Promise<void> =>
    new Promise((resolve) => {
      const impatient = setTimeout(() => socket.terminate(), closeWaitMs);
      socket.once('close', () => {
        clearTimeout(impatient);
        resolve();
      });
      socket.close(closeServiceRestart, '1000');
    });

  return {
    accept(socket, url) {
      if (closing) {
        socket.close(closeServiceRestart, '1000');
        return;
      }
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      serveSocket(socket, options, viewerOf(url));
    },
    async close() {
      closing = true;
      await Promise.all([...sockets].map(closeOne));
    },
  };
};

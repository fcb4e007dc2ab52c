// A connection to an agent's address. Code in the session can put anything at the path of its own socket, so the very
// socket that was checked is the one that is connected to.

import { connect, type Socket } from 'node:net';
import { openUnixSocketPath, type Address } from '@remote-claude/compute';

/** Resolves when it is connected; rejects with the system's error or `UnsafeSocketError`. The caller owns the socket. */
export const dial = async (address: Address, timeoutMs: number): Promise<Socket> => {
  if (address.kind === 'tcp') return connected(connect({ host: address.host, port: address.port }), timeoutMs);
  const held = await openUnixSocketPath(address);
  try {
    return await connected(connect({ path: held.connectPath }), timeoutMs);
  } finally {
    await held.close();
  }
};

const connected = (socket: Socket, timeoutMs: number): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(() => socket.destroy(new Error(`no connection within ${timeoutMs} ms`)), timeoutMs);
    const fail = (error: Error): void => {
      clearTimeout(timer);
      reject(error);
    };
    socket.once('error', fail);
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.off('error', fail);
      // Between the hand-over and the first listener of its user an error would end the process.
      socket.on('error', () => {});
      resolve(socket);
    });
  });

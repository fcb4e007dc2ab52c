/**
 * Makes a server listen on a port or a unix socket. A socket file that a dead process left is removed; one that
 * somebody answers on is not. It does not know what is served.
 */
import { chmod, lstat, unlink } from 'node:fs/promises';
import type { Server } from 'node:http';
import { connect } from 'node:net';

export interface Where {
  port?: number | undefined;
  host?: string | undefined;
  socketPath?: string | undefined;
}

/** The system keeps 108 bytes for a socket's path, its end mark included; Node cuts longer ones in silence. */
const maxSocketPathBytes = 107;

export const listen = async (server: Server, where: Where): Promise<{ url: string; port: number }> => {
  const { port = 0, host = '127.0.0.1', socketPath } = where;
  if (socketPath === undefined) {
    await begin(server, () => server.listen(port, host));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('The server has no port.');
    const name = address.family === 'IPv6' ? `[${address.address}]` : address.address;
    return { url: `http://${name}:${address.port}`, port: address.port };
  }
  if (Buffer.byteLength(socketPath) > maxSocketPathBytes) {
    throw new Error(`The socket path ${socketPath} is longer than ${maxSocketPathBytes} bytes; choose a shorter one.`);
  }
  await removeStale(socketPath);
  await begin(server, () => server.listen(socketPath));
  await chmod(socketPath, 0o600);
  return { url: `unix:${socketPath}`, port: 0 };
};

const begin = (server: Server, start: () => void): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.once('listening', () => {
      server.off('error', reject);
      resolve();
    });
    start();
  });

const removeStale = async (path: string): Promise<void> => {
  const stat = await lstat(path).catch(() => undefined);
  if (stat === undefined) return;
  if (!stat.isSocket()) throw new Error(`${path} exists and is not a socket; remove it or choose another path.`);
  if (await answers(path)) throw new Error(`Another server listens on ${path}; stop it or choose another path.`);
  await unlink(path);
};

const answers = (path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });

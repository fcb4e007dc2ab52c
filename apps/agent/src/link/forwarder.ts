/**
 * A loopback port inside the place that leads to the gateway: bytes in, bytes out, nothing kept.
 * While the gateway is away a new connection waits for it, so that a server's restart does not end a turn.
 * It does not know what the bytes mean.
 */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Address } from '../config.js';
import type { Log } from '../parts.js';

export interface Forwarder {
  readonly port: number;
  /** Called with every piece that goes out to the gateway. */
  onSent(listener: () => void): void;
  close(): Promise<void>;
}

export interface ForwarderDeps {
  gateway: Address;
  /** How long a connection waits for a gateway that does not take it. */
  waitMs: number;
  log: Log;
}

const firstRetryMs = 50;
const lastRetryMs = 1_000;

export const createForwarder = async ({ gateway, waitMs, log }: ForwarderDeps): Promise<Forwarder> => {
  const clients = new Set<Socket>();
  const listeners: (() => void)[] = [];
  const sent = (): void => {
    for (const listener of listeners) listener();
  };
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (client) => {
    clients.add(client);
    client.on('error', () => client.destroy());
    client.once('close', () => clients.delete(client));
    void forward(client);
  });

  const forward = async (client: Socket): Promise<void> => {
    const upstream = await reach(client);
    if (upstream === null) return void client.destroy();
    client.on('data', sent);
    join(client, upstream);
  };

  /** A connection to the gateway; null where the client left or the time is over. */
  const reach = async (client: Socket): Promise<Socket | null> => {
    const giveUpAt = performance.now() + waitMs;
    for (let delayMs = firstRetryMs; !client.destroyed; delayMs = Math.min(delayMs * 2, lastRetryMs)) {
      const upstream = await open(gateway);
      if (upstream !== null) return upstream;
      if (performance.now() + delayMs >= giveUpAt) {
        log('warn', 'The gateway could not be reached.', { waitedMs: waitMs });
        return null;
      }
      await sleep(delayMs);
    }
    return null;
  };

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });

  return {
    port: (server.address() as AddressInfo).port,
    onSent: (listener) => void listeners.push(listener),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const client of clients) client.destroy();
      }),
  };
};

const open = (gateway: Address): Promise<Socket | null> =>
  new Promise((resolve) => {
    const target =
      gateway.kind === 'unix' ? { path: gateway.path } : { host: gateway.host ?? '127.0.0.1', port: gateway.port };
    const socket = connect({ ...target, allowHalfOpen: true });
    socket.setNoDelay(true);
    socket.once('connect', () => {
      socket.removeAllListeners('error');
      socket.on('error', () => socket.destroy());
      resolve(socket);
    });
    socket.once('error', () => {
      socket.destroy();
      resolve(null);
    });
  });

/** `pipe` hands an end on as an end, so each direction closes by itself; a broken side breaks the other. */
const join = (client: Socket, upstream: Socket): void => {
  if (client.destroyed) return void upstream.destroy();
  const follow = (other: Socket) => (hadError: boolean) => (hadError ? other.destroy() : other.destroySoon());
  client.once('close', follow(upstream));
  upstream.once('close', follow(client));
  client.pipe(upstream);
  upstream.pipe(client);
};

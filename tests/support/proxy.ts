// A TCP proxy of the tests' own in front of a product: passes bytes, holds them back, or cuts the lines.
// It knows nothing of what passes.

import { connect, createServer, type Socket } from 'node:net';

export interface Proxy {
  /** As the product's address, through this proxy. */
  url: string;
  /** From now on nothing passes either way, and neither end is told: half open. New connections are taken and left silent. */
  freeze(): void;
  thaw(): void;
  /** Every connection is reset. */
  cut(): void;
  /** Connections under way. */
  open(): number;
  close(): Promise<void>;
}

export const startProxy = async (target: string): Promise<Proxy> => {
  const { hostname, port } = new URL(target);
  const pairs = new Set<{ near: Socket; far: Socket }>();
  let frozen = false;

  const server = createServer((near) => {
    const far = connect({ host: hostname, port: Number(port) });
    const pair = { near, far };
    pairs.add(pair);
    const end = (): void => {
      if (frozen) return;
      pairs.delete(pair);
      near.destroy();
      far.destroy();
    };
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on('data', (bytes) => {
        if (!to.write(bytes)) from.pause();
      });
      to.on('drain', () => {
        if (!frozen) from.resume();
      });
      from.on('error', () => {});
      from.on('close', end);
    }
    if (frozen) for (const socket of [near, far]) socket.pause();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');

  const each = (act: (socket: Socket) => void): void => {
    for (const { near, far } of pairs) {
      act(near);
      act(far);
    }
  };
  return {
    url: `http://127.0.0.1:${address.port}`,
    freeze() {
      frozen = true;
      each((socket) => void socket.pause());
    },
    thaw() {
      frozen = false;
      each((socket) => void socket.resume());
    },
    cut() {
      frozen = false;
      each((socket) => void socket.resetAndDestroy());
      pairs.clear();
    },
    open: () => pairs.size,
    async close() {
      frozen = false;
      each((socket) => void socket.destroy());
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
};

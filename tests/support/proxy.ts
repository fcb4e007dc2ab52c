// A proxy of the tests' own in front of a server or an agent: passes bytes, delays them, holds them back, or cuts the
// lines. It knows nothing of what passes; who wants to change it gives a tamperer.

import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';

/** `near` called the proxy, `far` is what it stands before. */
export type From = 'near' | 'far';

export interface Proxy {
  /** As the target's address, through this proxy; empty at a path. */
  url: string;
  /** From now on nothing passes either way, and neither end is told. New connections are taken and left silent. */
  freeze(): void;
  thaw(): void;
  /** The connections under way stay silent for ever, neither end is told; new ones pass. As a laptop that changed its network. */
  strand(): void;
  /** Every connection is reset. */
  cut(): void;
  /** What comes from now on passes this much later, in its order. */
  delay(delayMs: number): void;
  /** Connections that either end still holds. */
  open(): number;
  /** TCP connections whose end on this side has closed, whether or not the other was told. */
  gone(from: From): number;
  /** Connections ever taken. */
  taken(): number;
  close(): Promise<void>;
}

/** Made anew for each direction of each connection: what goes on in place of these bytes, at once or later. */
export type Tamper = (from: From, pass: (bytes: Buffer) => void) => (bytes: Buffer) => void;

export interface ProxyOptions {
  /** `http://host:port`, or the path of a Unix socket; asked for each connection where it is known only later. */
  to: string | (() => string);
  /** Path of a Unix socket to listen at; without it a free port of loopback. */
  at?: string;
  tamper?: Tamper;
}

/** Beyond this the sender is not read: the tests' own memory must not take what the product's may not. */
const maxWaitingBytes = 256 * 1024;
/** Local ports of connections that no end has closed, as the system has it: a socket that is not read does not see that. */
const establishedPorts = (): Set<number> =>
  new Set(
    readFileSync('/proc/net/tcp', 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter(([, , , state]) => state === '01')
      .map(([, local = '']) => Number.parseInt(local.split(':')[1] ?? '', 16)),
  );
const passOn: Tamper = (_from, pass) => pass;

interface Line {
  near: Socket;
  far: Socket;
  held: boolean;
  stranded: boolean;
  /** These ends have said their last; a paused socket sees that too. */
  ended: Set<From>;
}

export const startProxy = async ({ to, at, tamper = passOn }: ProxyOptions): Promise<Proxy> => {
  const lines = new Set<Line>();
  let [frozen, delayMs, taken] = [false, 0, 0];

  /** Tells each end what became of the other, unless nothing may be told. */
  const settle = (line: Line): void => {
    const { near, far, held, ended } = line;
    if (near.destroyed && far.destroyed) lines.delete(line);
    if (held) return;
    if (ended.has('near')) far.end();
    if (ended.has('far')) near.end();
    if (near.destroyed !== far.destroyed) (near.destroyed ? far : near).destroySoon();
  };
  const hold = (line: Line, held: boolean): void => {
    line.held = held;
    for (const socket of [line.near, line.far]) {
      if (held) socket.pause();
      else socket.resume();
    }
    settle(line);
  };
  const pump = (line: Line, from: From): void => {
    const [source, sink] = from === 'near' ? [line.near, line.far] : [line.far, line.near];
    const waiting: (() => void)[] = [];
    let dueMs = 0;
    /** What comes after a delay has ended does not overtake what it holds. */
    const late = (act: () => void): void => {
      const now = performance.now();
      dueMs = Math.max(dueMs, now + delayMs);
      if (waiting.length === 0 && dueMs <= now) return act();
      waiting.push(act);
      setTimeout(() => waiting.shift()?.(), dueMs - now);
    };
    const receive = tamper(from, (bytes) => {
      if (sink.writable) sink.write(bytes);
    });
    source.on('data', (bytes: Buffer) => {
      late(() => receive(bytes));
      if (sink.writableLength > maxWaitingBytes) source.pause();
    });
    sink.on('drain', () => {
      if (!line.held) source.resume();
    });
    source.on('end', () =>
      late(() => {
        line.ended.add(from);
        settle(line);
      }),
    );
    source.on('error', () => {});
    source.on('close', () => late(() => settle(line)));
  };

  const server = createServer({ allowHalfOpen: true }, (near) => {
    const target = typeof to === 'string' ? to : to();
    const { hostname, port } = target.startsWith('/') ? { hostname: '', port: '' } : new URL(target);
    const far = connect({
      allowHalfOpen: true,
      ...(hostname === '' ? { path: target } : { host: hostname, port: Number(port) }),
    });
    const line: Line = { near, far, held: false, stranded: false, ended: new Set() };
    taken += 1;
    lines.add(line);
    pump(line, 'near');
    pump(line, 'far');
    if (frozen) hold(line, true);
  });
  if (at !== undefined) await rm(at, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    if (at === undefined) server.listen(0, '127.0.0.1', resolve);
    else server.listen(at, resolve);
  });
  const address = server.address();

  return {
    url: typeof address === 'object' && address !== null ? `http://127.0.0.1:${address.port}` : '',
    freeze() {
      frozen = true;
      for (const line of lines) hold(line, true);
    },
    thaw() {
      frozen = false;
      for (const line of lines) if (!line.stranded) hold(line, false);
    },
    strand() {
      for (const line of lines) {
        line.stranded = true;
        hold(line, true);
      }
    },
    cut() {
      for (const { near, far } of lines) {
        near.resetAndDestroy();
        far.resetAndDestroy();
      }
    },
    delay: (wantedMs) => void (delayMs = wantedMs),
    open: () => lines.size,
    gone(from) {
      const open = establishedPorts();
      return [...lines].filter((line) => !open.has(line[from].localPort ?? 0)).length;
    },
    taken: () => taken,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const { near, far } of lines) {
        near.destroy();
        far.destroy();
      }
      await closed;
    },
  };
};

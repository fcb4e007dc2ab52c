import { createServer, connect, type Server, type Socket } from 'node:net';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { scratchFolder, until } from '../testing/scratch.js';
import { createForwarder, type Forwarder } from './forwarder.js';

let scratch: ReturnType<typeof scratchFolder>;
let path: string;
let forwarder: Forwarder;
let servers: Server[];
let sockets: Socket[];

beforeEach(() => {
  scratch = scratchFolder();
  path = join(scratch.path, 'gateway.sock');
  servers = [];
  sockets = [];
});
afterEach(async () => {
  await forwarder.close();
  for (const socket of sockets) socket.destroy();
  for (const server of servers) server.close();
  scratch.remove();
});

const gateway = (handle: (socket: Socket) => void): Promise<Server> =>
  new Promise((resolve) => {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      sockets.push(socket);
      socket.on('error', () => undefined);
      handle(socket);
    });
    servers.push(server);
    server.listen(path, () => resolve(server));
  });
const start = async (waitMs: number): Promise<void> => {
  forwarder = await createForwarder({ gateway: { kind: 'unix', path }, waitMs, log: () => undefined });
};
/** A client that collects what it is told. */
const client = () => {
  const socket = connect({ port: forwarder.port, host: '127.0.0.1', allowHalfOpen: true });
  sockets.push(socket);
  const state = { socket, text: '', bytes: 0, ended: false, closed: false };
  socket.on('data', (chunk: Buffer) => {
    state.bytes += chunk.length;
    if (state.bytes < 10_000) state.text += chunk.toString();
  });
  socket.on('end', () => (state.ended = true));
  socket.on('close', () => (state.closed = true));
  socket.on('error', () => undefined);
  return state;
};

describe('the forwarder', () => {
  it('carries bytes both ways and hands on each end by itself', async () => {
    let heard = '';
    await gateway((socket) => {
      socket.on('data', (chunk: Buffer) => (heard += chunk.toString()));
      // Answers only when the question has ended: a half-closed connection still carries the answer.
      socket.on('end', () => socket.end(`you said ${heard}`));
    });
    await start(1_000);
    let sent = 0;
    forwarder.onSent(() => (sent += 1));
    const one = client();
    one.socket.end('hello');
    await until('the answer', () => one.ended);
    expect(one.text).toBe('you said hello');
    expect(sent).toBe(1);
  });

  it('waits for a gateway that is away and then delivers what was sent meanwhile', async () => {
    await start(20_000);
    const one = client();
    one.socket.write('patient');
    await until('the connection', () => !one.socket.connecting);
    await gateway((socket) => socket.on('data', (chunk: Buffer) => socket.write(chunk.toString().toUpperCase())));
    await until('the answer', () => one.text.length === 7);
    expect(one.text).toBe('PATIENT');
  });

  it('takes up again when the gateway comes back under the same path', async () => {
    const first = await gateway((socket) => socket.end('first'));
    await start(20_000);
    const one = client();
    await until('the first answer', () => one.text === 'first');
    one.socket.end();
    await new Promise((resolve) => first.close(resolve));
    const two = client();
    await gateway((socket) => socket.end('second'));
    await until('the second answer', () => two.ended);
    expect(two.text).toBe('second');
  });

  it('gives up when the time is over', async () => {
    await start(300);
    const one = client();
    await until('the end', () => one.ended || one.closed);
    expect(one.text).toBe('');
  });

  it('ends the client when the gateway dies in mid-answer, and the reverse', async () => {
    let other: Socket | null = null;
    await gateway((socket) => {
      other = socket;
      socket.write('half');
    });
    await start(1_000);
    const one = client();
    await until('the half', () => one.text === 'half');
    (other as Socket | null)?.destroy();
    await until('the end', () => one.ended || one.closed);
    const two = client();
    await until('the half', () => two.text === 'half');
    const upstream = other as Socket | null;
    let hasEnded = false;
    upstream?.once('end', () => (hasEnded = true)).resume();
    two.socket.destroy();
    await until('the gateway to notice', () => hasEnded);
    expect(two.text).toBe('half');
  });

  it('does not read ahead of a client that does not read', async () => {
    const megabyte = Buffer.alloc(1024 * 1024);
    let sent = 0;
    await gateway((socket) => {
      const more = (): void => {
        while (sent < 200 && socket.write(megabyte)) sent += 1;
      };
      socket.on('drain', () => {
        sent += 1;
        more();
      });
      more();
    });
    await start(1_000);
    const one = client();
    await until('the connection', () => one.bytes > 0);
    one.socket.pause();
    const settled = async (): Promise<number> => {
      for (let before = -1; before !== sent;) {
        before = sent;
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
      return sent;
    };
    expect(await settled()).toBeLessThan(100);
    one.socket.resume();
    await until('everything', () => sent >= 200);
  });
});

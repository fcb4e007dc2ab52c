// Who counts as gone, over real sockets whose other end answers nothing.

import { createHash, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { WebSocketServer, type WebSocket } from 'ws';

import { createFakeClock } from '../testing/fake-clock.js';
import { createSystemClock } from './clock.js';
import { createFlow } from './flow.js';
import { keepAlive } from './keep-alive.js';

const timing = { heartbeatMs: 50, deadMs: 500 };
const patience = { timeout: 20_000, interval: 5 };
const closing: (() => void)[] = [];
afterEach(() => closing.splice(0).forEach((close) => close()));

/** A socket as a server has it, and its other end as bare bytes: nothing is answered that a test does not answer. */
const openPair = async (): Promise<{ ws: WebSocket; far: Socket }> => {
  const path = join(tmpdir(), `rc-alive-${randomUUID().slice(0, 8)}.sock`);
  const server = createServer();
  const wss = new WebSocketServer({ server, perMessageDeflate: false });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const opened = new Promise<WebSocket>((resolve) => wss.once('connection', resolve));
  const far = connect(path);
  const key = createHash('sha1').update(path).digest().subarray(0, 16).toString('base64');
  far.write(
    `GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
  );
  const ws = await opened;
  ws.on('error', () => {});
  far.on('error', () => {});
  closing.push(() => {
    far.destroy();
    ws.terminate();
    server.close();
  });
  return { ws, far };
};

const stop = async (socket: Socket): Promise<void> => {
  socket.pause();
  await new Promise((resolve) => setImmediate(resolve));
};

describe('keepAlive', () => {
  test('an end that reads slowly lives for as long as it reads, and no longer', async () => {
    const { ws, far } = await openPair();
    await stop(far);
    const clock = createSystemClock();
    let sent = 0;
    keepAlive(ws, clock, timing, { sentBytes: () => sent });
    const send = (): void => {
      sent += 64 * 1024;
      ws.send(Buffer.alloc(64 * 1024), (error) => error ?? send());
    };
    send();
    const beganMs = clock.monotonicMs();
    let reading = true;
    const read = (): void => {
      far.read();
      if (reading) setTimeout(read, 10);
    };
    read();
    await vi.waitFor(() => expect(clock.monotonicMs() - beganMs).toBeGreaterThan(timing.deadMs * 3), patience);
    expect(ws.readyState).toBe(ws.OPEN);
    expect(ws.bufferedAmount).toBeGreaterThan(0);
    reading = false;
    const stoppedMs = clock.monotonicMs();
    await vi.waitFor(() => expect(ws.readyState).toBe(ws.CLOSED), patience);
    expect(clock.monotonicMs() - stoppedMs).toBeGreaterThan(timing.deadMs / 2);
  }, 30_000);

  test('an end that speaks but reads nothing is given up', async () => {
    const { ws, far } = await openPair();
    await stop(far);
    const sent = 8 * 1024 * 1024;
    keepAlive(ws, createSystemClock(), timing, { sentBytes: () => sent });
    ws.send(Buffer.alloc(sent));
    let heard = 0;
    ws.on('message', () => (heard += 1));
    // An empty text frame, masked by nothing.
    const speak = setInterval(() => far.write(Buffer.from([0x81, 0x80, 0, 0, 0, 0])), 20);
    closing.push(() => clearInterval(speak));
    await vi.waitFor(() => expect(ws.readyState).toBe(ws.CLOSED), patience);
    expect(heard).toBeGreaterThan(5);
  }, 30_000);

  test('silence that is ours is not held against the other end; real silence is', async () => {
    const { ws } = await openPair();
    const clock = createSystemClock();
    const flow = createFlow(ws);
    let held = 0;
    keepAlive(ws, clock, timing, { onHeld: () => (held += 1) });
    flow.hold('test');
    const beganMs = clock.monotonicMs();
    await vi.waitFor(() => expect(clock.monotonicMs() - beganMs).toBeGreaterThan(timing.deadMs * 2), patience);
    expect(ws.readyState).toBe(ws.OPEN);
    expect(held).toBeGreaterThan(5);
    flow.release('test');
    await vi.waitFor(() => expect(ws.readyState).toBe(ws.CLOSED), patience);
  }, 30_000);

  test('the last word may come just before a ping: patience is counted from it', async () => {
    const { ws, far } = await openPair();
    const clock = createFakeClock();
    keepAlive(ws, clock, { heartbeatMs: 10_000, deadMs: 25_000 });
    clock.advance(9_000);
    const heard = new Promise((resolve) => ws.once('message', resolve));
    // A text frame of no bytes, masked.
    far.write(Buffer.from([0x81, 0x80, 0, 0, 0, 0]));
    await heard;
    clock.advance(24_999);
    expect(ws.readyState).toBe(ws.OPEN);
    clock.advance(2);
    expect(ws.readyState).not.toBe(ws.OPEN);
  });
});

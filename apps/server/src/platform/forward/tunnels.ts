// WebSockets sent on to another process of this site: it answers the handshake itself, a refusal is handed back as it is, and
// what it takes becomes a tunnel of bytes. It does not know who may come in.

import { AppError, closeServiceRestart } from '@remote-claude/contract';
import { STATUS_CODES, type IncomingMessage, type Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

import { rawAnswer, requestIdOf } from '../http/index.js';
import type { Log } from '../log.js';
import { closeFrame, createFrameGate, type FrameGate } from './frame-gate.js';
import { answerHeaders, requestHeaders, type RawHeaders } from './headers.js';
import type { Begun, Target } from './requests.js';

export interface TunnelDeps {
  server: Server;
  target: Target;
  log: Log;
  /** Whether this address is sent on. */
  isPassed(url: string): boolean;
  isTrusted(peer: string): boolean;
  /** How long the answer to a handshake may take. */
  answerMs: number;
  /** What one end has not taken so long after the other has gone is dropped. */
  lingerMs: number;
  /** A reader who takes nothing for so long, while something waits for it, is sent away. */
  stallMs: number;
}

export interface Tunnels {
  /** Tells everyone to come back a little later, and takes nobody from now on. */
  drain(): void;
  /** Those that have not left after this time are cut. */
  close(graceMs: number): Promise<void>;
}

interface Tunnel {
  near: Duplex;
  far: Duplex;
  gate: FrameGate;
  requestId: string;
  /** Looks at it since nothing waited for its reader, or some of what waited was taken. */
  idleLooks: number;
  /** Bytes that went out to the reader, as of the last look. */
  takenBytes: number;
}

const maxRetryJitterMs = 1_000;
/** Try again later: what it missed is there. */
const closeTryAgain = 1013;
const looksPerStall = 4;
const probeAfterMs = 15_000;

const headOf = (status: number, headers: RawHeaders): string => {
  const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Answer'}`];
  for (let at = 0; at < headers.length; at += 2) lines.push(`${headers[at]}: ${headers[at + 1]}`);
  return `${lines.join('\r\n')}\r\n\r\n`;
};

const endAll = (socket: Duplex, text: string): void => {
  // What is only ended stays half open for as long as the other end likes.
  socket.once('finish', () => socket.destroy());
  socket.end(text);
};

/** Bytes pass both ways as fast as the slower end takes them; what either end has said arrives before its close does. */
const join = (near: Duplex, far: Duplex, lingerMs: number): Pick<Tunnel, 'near' | 'far' | 'gate'> => {
  const gate = createFrameGate();
  for (const socket of [near, far] as Partial<Socket>[]) {
    socket.setNoDelay?.(true);
    socket.setKeepAlive?.(true, probeAfterMs);
    socket.setTimeout?.(0);
  }
  near.pipe(far);
  far.pipe(gate).pipe(near);
  const linger = (other: Duplex): void => {
    if (other.destroyed) return;
    const timer = setTimeout(() => other.destroy(), lingerMs);
    other.once('close', () => clearTimeout(timer));
  };
  far.once('end', () => linger(near));
  far.once('close', () => {
    gate.end();
    // Read on, or its own end is never seen.
    near.resume();
    linger(near);
  });
  near.once('end', () => linger(far));
  near.once('close', () => {
    far.unpipe(gate);
    gate.destroy();
    far.resume();
    // With an end it was told before; without one it is cut, too.
    if (near.readableEnded) linger(far);
    else far.destroy();
  });
  return { near, far, gate };
};

/**
 * Whether its reader has taken nothing of what waits. What waits is in Node's own queue, which holds one piece and what is behind
 * it: while it is not empty nothing more is read from the far end, so nobody would notice that one's end either. Looks are counted,
 * since a process that stood still for long was no patience of its readers.
 */
const isStalled = (tunnel: Tunnel): boolean => {
  const { near } = tunnel;
  const takenBytes = ((near as Partial<Socket>).bytesWritten ?? 0) - near.writableLength;
  const moved = near.writableLength === 0 || takenBytes > tunnel.takenBytes;
  tunnel.idleLooks = moved ? 0 : tunnel.idleLooks + 1;
  tunnel.takenBytes = takenBytes;
  return tunnel.idleLooks > looksPerStall;
};

export const acceptTunnels = (deps: TunnelDeps): Tunnels => {
  const { server, target, log } = deps;
  /** Of each connection, from its handshake on. */
  const waiting = new Set<Duplex>();
  const open = new Set<Tunnel>();
  let isDraining = false;

  const sendAway = ({ gate }: Tunnel): void =>
    gate.endWith(closeFrame(closeServiceRestart, String(Math.round(Math.random() * maxRetryJitterMs))));

  const look = (): void => {
    for (const tunnel of open) {
      if (!isStalled(tunnel)) continue;
      open.delete(tunnel);
      log.info({ requestId: tunnel.requestId }, 'a socket whose reader took nothing for too long was ended');
      // Whoever reads on after all reads why. Behind a frame that is cut in the middle nothing can be said.
      tunnel.gate.endWith(closeFrame(closeTryAgain, 'Too little was read for too long. Connect again to go on.'));
      const timer = setTimeout(() => tunnel.near.destroy(), deps.lingerMs);
      tunnel.near.once('close', () => clearTimeout(timer));
    }
  };
  const looking = setInterval(look, deps.stallMs / looksPerStall);
  looking.unref();

  const start = (request: IncomingMessage, near: Duplex, head: Buffer): void => {
    const requestId = requestIdOf(request, deps.isTrusted);
    const refuse = (thrown: unknown): void => {
      if (near.writable) endAll(near, rawAnswer(thrown, requestId, log));
      else near.destroy();
    };
    const { url = '', method, headers, socket } = request;
    if (!deps.isPassed(url)) return refuse(new AppError('not_found'));
    if (method !== 'GET' || headers.upgrade?.toLowerCase() !== 'websocket')
      return refuse(new AppError('bad_request', { message: 'This is no handshake of a WebSocket.' }));
    if (isDraining) return refuse(new AppError('unavailable', { retryAfterMs: maxRetryJitterMs }));
    waiting.add(near);
    near.once('close', () => waiting.delete(near));

    const isTrusted = deps.isTrusted(socket.remoteAddress ?? '');
    const passed = [...requestHeaders(request, { requestId, isTrusted }), 'Connection', 'Upgrade'];
    let begun: Begun;
    try {
      begun = target.begin({ method, path: url, headers: [...passed, 'Upgrade', 'websocket'] }, 'new');
    } catch (thrown) {
      return refuse(thrown);
    }
    const { outgoing, isConnected } = begun;
    const patience = setTimeout(() => outgoing.destroy(new Error('the handshake was not answered')), deps.answerMs);
    const hangUp = (): void => void outgoing.destroy();
    near.once('close', hangUp);
    let isAnswered = false;
    const answered = (): void => {
      isAnswered = true;
      clearTimeout(patience);
    };
    outgoing.once('upgrade', (answer, far, farHead) => {
      answered();
      near.off('close', hangUp);
      far.on('error', () => {});
      if (near.destroyed) return void far.destroy();
      near.write(headOf(101, [...answerHeaders(answer), 'Connection', 'Upgrade', 'Upgrade', 'websocket']), 'latin1');
      if (head.length > 0) near.unshift(head);
      if (farHead.length > 0) far.unshift(farHead);
      const tunnel: Tunnel = { ...join(near, far, deps.lingerMs), requestId, idleLooks: 0, takenBytes: 0 };
      log.debug({ requestId }, 'socket');
      open.add(tunnel);
      near.once('close', () => open.delete(tunnel));
      if (isDraining) sendAway(tunnel);
    });
    outgoing.once('response', (answer) => {
      answered();
      near.once('finish', () => near.destroy());
      near.write(headOf(answer.statusCode ?? 502, [...answerHeaders(answer), 'Connection', 'close']), 'latin1');
      answer.on('error', () => near.destroy());
      answer.pipe(near);
    });
    outgoing.on('error', (cause) => {
      clearTimeout(patience);
      if (!isAnswered) refuse(target.away(isConnected(), cause));
    });
    outgoing.end();
  };

  const onUpgrade = (request: IncomingMessage, near: Duplex, head: Buffer): void => {
    // First of all: a socket without a listener for its errors ends the process when its client resets it.
    near.on('error', () => {});
    start(request, near, head);
  };
  server.on('upgrade', onUpgrade);

  return {
    drain() {
      isDraining = true;
      for (const tunnel of open) sendAway(tunnel);
    },
    async close(graceMs) {
      isDraining = true;
      server.off('upgrade', onUpgrade);
      clearInterval(looking);
      const left = [...waiting].filter((near) => !near.destroyed);
      const gone = Promise.all(left.map((near) => new Promise<void>((resolve) => near.once('close', () => resolve()))));
      const force = setTimeout(() => {
        for (const near of left) near.destroy();
      }, graceMs);
      await gone;
      clearTimeout(force);
    },
  };
};

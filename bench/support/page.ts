// A page's socket to a session, as a browser opens it: cookie, Origin, the log followed. It draws and checks nothing, so
// that what is measured is the product.
import {
  encodeTerminalFrame,
  frameHeaderBytes,
  frameKind,
  socketProtocol,
  type TerminalId,
} from '@remote-claude/contract';
import { WebSocket } from 'ws';

import { signInByCookie } from '../../tests/support/calls.js';
import { socketAddress } from '../../tests/support/knock.js';
import type { Person } from '../../tests/support/people.js';
import type { Product } from '../../tests/support/product.js';

export interface Said {
  id: string;
  type: string;
  payload: Record<string, unknown>;
}

export interface Page {
  say(type: string, payload: unknown): string;
  /** `listener` answers whether it has heard what it waited for; then it is called no more. */
  hear(listener: (said: Said) => boolean): Promise<void>;
  openTerminal(): Promise<PageTerminal>;
  /** Watches one that another page opened, from its first byte or its screen. */
  watchTerminal(terminalId: TerminalId): Promise<PageTerminal>;
  /** Reads nothing more, as a page whose machine sleeps. */
  stall(): void;
  close(): void;
}

export interface PageTerminal {
  terminalId: TerminalId;
  type(bytes: Uint8Array): void;
  /** Called with the bytes of each output frame, header taken off. One at a time. */
  onOutput: (bytes: Buffer) => void;
}

interface Listener {
  onSaid(said: Said): void;
  onClosed(code: number): void;
}

/** As the page gives it: every so many bytes, and for fewer when nothing more came for a moment. */
const creditEveryBytes = 32 * 1024;
const creditEveryMs = 100;

export const openPage = async (product: Product, person: Person, sessionId: string): Promise<Page> => {
  const cookie = await signInByCookie(product, person);
  const socket = new WebSocket(socketAddress(product, 'ws', sessionId), [socketProtocol], {
    headers: { cookie, origin: product.url },
  });
  const listeners = new Set<Listener>();
  const outputs = new Map<string, (frame: Buffer) => void>();
  const timers: NodeJS.Timeout[] = [];
  socket.on('message', (data: Buffer, isBinary) => {
    if (isBinary) return outputs.get(data.subarray(1, 17).toString('hex'))?.(data);
    const said = JSON.parse(data.toString('utf8')) as Said;
    if (said.type === 'error') console.error(`the session said: ${JSON.stringify(said.payload)}`);
    for (const { onSaid } of listeners) onSaid(said);
  });
  socket.on('close', (code) => {
    for (const { onClosed } of listeners) onClosed(code);
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });

  const say: Page['say'] = (type, payload) => {
    const id = crypto.randomUUID();
    socket.send(JSON.stringify({ id, type, payload }));
    return id;
  };
  const hear: Page['hear'] = (wanted) =>
    new Promise((resolve, reject) => {
      const listener: Listener = {
        onSaid(said) {
          if (!wanted(said)) return;
          listeners.delete(listener);
          resolve();
        },
        onClosed: (code) => reject(new Error(`The socket was closed with ${code}.`)),
      };
      listeners.add(listener);
    });

  const greeted = hear(({ type }) => type === 'hello');
  say('stream', { action: 'subscribe', of: 'events' });
  await greeted;

  const follow = async (terminalId: TerminalId, ask: object): Promise<PageTerminal> => {
    let typed = 0;
    let drawn = 0;
    let credited = 0;
    const terminal: PageTerminal = {
      terminalId,
      type(bytes) {
        typed += 1;
        socket.send(encodeTerminalFrame({ kind: frameKind.input, terminalId, position: typed, bytes }));
      },
      onOutput: () => {},
    };
    const credit = (): void => {
      if (drawn === credited) return;
      credited = drawn;
      say('terminal', { action: 'ack', terminalId, offset: drawn });
    };
    outputs.set(terminalId.replaceAll('-', ''), (frame) => {
      drawn = Number(frame.readBigUInt64BE(17)) + frame.length - frameHeaderBytes;
      terminal.onOutput(frame.subarray(frameHeaderBytes));
      if (drawn - credited >= creditEveryBytes) credit();
    });
    timers.push(setInterval(credit, creditEveryMs));
    const answered = hear(({ type, payload }) => type === 'terminal-result' && payload['terminalId'] === terminalId);
    say('terminal', { ...ask, terminalId });
    await answered;
    return terminal;
  };

  return {
    say,
    hear,
    openTerminal: () => follow(crypto.randomUUID() as TerminalId, { action: 'create', cols: 80, rows: 24 }),
    watchTerminal: (terminalId) => follow(terminalId, { action: 'attach' }),
    stall: () => socket.pause(),
    close() {
      for (const timer of timers) clearInterval(timer);
      socket.removeAllListeners('close');
      socket.terminate();
    },
  };
};

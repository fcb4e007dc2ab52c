// A socket in the rough: tries an upgrade with any headers and says how it was answered, then sends anything.

import { socketProtocol, type SessionSocketName, sessionSockets } from '@remote-claude/contract';
import { WebSocket } from 'ws';

import type { Product } from './product.js';
import { until } from './wait.js';

export interface Said {
  id: string;
  type: string;
  payload: Record<string, unknown>;
}

export interface OpenSocket {
  /** Text as a text frame, bytes as a binary one. */
  send(frame: string | Uint8Array): void;
  say(type: string, payload: unknown, id?: string): string;
  said(): readonly Said[];
  binary(): readonly Buffer[];
  /** The first answer to this id. */
  answer(id: string, timeoutMs?: number): Promise<Said>;
  /** Resolves when it answers a ping. */
  alive(): Promise<void>;
  /** The close code, once closed; null while it is open. */
  closeCode(): number | null;
  closed(timeoutMs: number): Promise<number>;
  close(): void;
}

export interface Knock {
  /** 101, or the status of the refusal. */
  status: number;
  /** The code in the refusal's body. */
  code: string | null;
  socket: OpenSocket | null;
}

export interface KnockOptions {
  headers?: Record<string, string>;
  protocols?: string[];
  /** Behind the path, with its question mark. */
  query?: string;
  /** Another of this machine's own addresses to come from. */
  localAddress?: string;
}

export const socketAddress = (product: Product, name: SessionSocketName, sessionId: string): string =>
  `${product.url.replace('http', 'ws')}/api${sessionSockets[name].path.replace(':id', sessionId)}`;

export const knock = (
  address: string,
  { headers = {}, protocols = [], query = '', localAddress }: KnockOptions = {},
): Promise<Knock> =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(address + query, [socketProtocol, ...protocols], {
      headers,
      handshakeTimeout: 20_000,
      maxPayload: 0,
      ...(localAddress === undefined ? {} : { localAddress }),
    });
    const open = openSocket(socket);
    socket.once('open', () => resolve({ status: 101, code: null, socket: open }));
    socket.once('error', reject);
    socket.once('unexpected-response', (request, answer) => {
      let body = '';
      answer.setEncoding('utf8').on('data', (part: string) => (body += part));
      answer.on('close', () => {
        request.destroy();
        resolve({ status: answer.statusCode ?? 0, code: /"code":"(\w+)"/.exec(body)?.[1] ?? null, socket: null });
      });
    });
  });

/** An open socket, or the error that it was refused. */
export const enter = async (address: string, options: KnockOptions): Promise<OpenSocket> => {
  const { status, code, socket } = await knock(address, options);
  if (socket === null) throw new Error(`The socket ${address} was refused with ${status} ${code}.`);
  return socket;
};

const openSocket = (socket: WebSocket): OpenSocket => {
  const said: Said[] = [];
  const binary: Buffer[] = [];
  let closeCode: number | null = null;
  socket.on('error', () => {});
  socket.on('message', (data: Buffer, isBinary: boolean) => {
    if (isBinary) binary.push(data);
    else said.push(JSON.parse(data.toString('utf8')) as Said);
  });
  socket.on('close', (code) => (closeCode = code));
  const say: OpenSocket['say'] = (type, payload, id = crypto.randomUUID()) => {
    socket.send(JSON.stringify({ id, type, payload }));
    return id;
  };
  const answer: OpenSocket['answer'] = (id, timeoutMs = 20_000) =>
    until(() => said.find((message) => message.id === id), {
      what: `an answer to ${id}; said: ${JSON.stringify(said).slice(0, 2_000)}`,
      timeoutMs,
    });
  return {
    send: (frame) => socket.send(frame),
    say,
    said: () => said,
    binary: () => binary,
    answer,
    alive: async () => {
      const { type } = await answer(say('ping', {}));
      if (type !== 'pong') throw new Error(`A ping was answered by ${type}.`);
    },
    closeCode: () => closeCode,
    closed: (timeoutMs) => until(() => closeCode, { what: 'the socket to close', timeoutMs }),
    close: () => socket.close(),
  };
};

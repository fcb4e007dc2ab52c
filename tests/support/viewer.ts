// A recording viewer of one session: follows its log over the socket, checks every number, and keeps what streams.

import {
  clientMessage,
  reduceSession,
  serverMessage,
  socketProtocol,
  type ClientMessage,
  type NumberedEvent,
  type ServerMessage,
  type SessionState,
} from '@remote-claude/contract';
import { WebSocket } from 'ws';

import type { Person } from './people.js';
import { until } from './wait.js';

export interface Viewer {
  /** Every event since the first, in order. */
  events(): readonly NumberedEvent[];
  state(): SessionState;
  messages(): readonly ServerMessage[];
  /** Numbers that were left out, and that came twice. */
  gaps(): number[];
  repeats(): number[];
  send(type: ClientMessage['type'], payload: unknown, id?: string): string;
  sendBytes(bytes: Uint8Array): void;
  onBytes(listener: (bytes: Uint8Array) => void): void;
  onMessage(listener: (message: ServerMessage) => void): void;
  /** Reads nothing from now on, and then goes on reading; a new line is read. */
  hold(): void;
  read(): void;
  /** Cuts the line; it comes back by itself with its cursor. */
  cut(): void;
  /** The first event that fits, now or later. */
  event<T extends NumberedEvent['event']['type']>(
    type: T,
    fits?: (event: Extract<NumberedEvent['event'], { type: T }>) => boolean,
    timeoutMs?: number,
  ): Promise<Extract<NumberedEvent['event'], { type: T }>>;
  close(): void;
}

/** `agent` makes the connection where its certificate or its name needs that. */
export const openViewer = (
  url: string,
  person: Pick<Person, 'token'>,
  sessionId: string,
  agent?: WebSocket.ClientOptions['agent'],
): Viewer => {
  const events: NumberedEvent[] = [];
  const messages: ServerMessage[] = [];
  const [gaps, repeats]: [number[], number[]] = [[], []];
  const byteListeners: ((bytes: Uint8Array) => void)[] = [];
  const messageListeners: ((message: ServerMessage) => void)[] = [];
  let state: SessionState | null = null;
  let epoch: string | undefined;
  let socket: WebSocket;
  let closed = false;

  const take = (numbered: NumberedEvent): void => {
    const last = events.at(-1)?.seq ?? numbered.seq - 1;
    if (numbered.seq <= last) return void repeats.push(numbered.seq);
    for (let missing = last + 1; missing < numbered.seq; missing += 1) gaps.push(missing);
    events.push(numbered);
    if (state !== null) state = reduceSession(state, numbered);
  };

  const receive = (data: WebSocket.RawData, isBinary: boolean): void => {
    if (isBinary) {
      for (const listener of byteListeners) listener(data as Buffer);
      return;
    }
    const message = serverMessage.parse(JSON.parse((data as Buffer).toString('utf8')));
    messages.push(message);
    if (message.type === 'hello') {
      epoch = message.payload.epoch;
      if (events.length === 0) state = message.payload.state;
      for (const numbered of message.payload.events) {
        if (events.length === 0 || numbered.seq > (events.at(-1)?.seq ?? 0)) {
          const { state: head } = message.payload;
          take(numbered);
          state = head;
        }
      }
    }
    if (message.type === 'events') for (const numbered of message.payload.events) take(numbered);
    for (const listener of messageListeners) listener(message);
  };

  const connect = (): void => {
    socket = new WebSocket(`${url.replace('http', 'ws')}/api/sessions/${sessionId}/ws`, [socketProtocol], {
      headers: { authorization: `Bearer ${person.token}` },
      ...(agent && { agent }),
    });
    socket.on('message', receive);
    socket.on('error', () => {});
    socket.on('open', () => {
      const after = events.at(-1)?.seq;
      socket.send(
        JSON.stringify({
          id: crypto.randomUUID(),
          type: 'stream',
          payload: {
            action: 'subscribe',
            of: 'events',
            ...(after === undefined || epoch === undefined ? {} : { epoch, after }),
          },
        }),
      );
    });
    socket.on('close', () => {
      if (!closed) setTimeout(connect, 100);
    });
  };
  connect();

  return {
    events: () => events,
    state: () => {
      if (state === null) throw new Error('no hello yet');
      return state;
    },
    messages: () => messages,
    gaps: () => gaps,
    repeats: () => repeats,
    send(type, payload, id = crypto.randomUUID()) {
      socket.send(JSON.stringify(clientMessage.parse({ id, type, payload })));
      return id;
    },
    sendBytes: (bytes) => socket.send(bytes),
    onBytes: (listener) => void byteListeners.push(listener),
    onMessage: (listener) => void messageListeners.push(listener),
    hold: () => socket.pause(),
    read: () => socket.resume(),
    cut: () => socket.terminate(),
    event: (type, fits = () => true, timeoutMs = 60_000) =>
      until(
        () => events.map(({ event }) => event).find((event) => event.type === type && fits(event as never)) as never,
        {
          what: () =>
            `an event ${type}; there are ${events
              .map(({ event }) => JSON.stringify(event).slice(0, 200))
              .slice(-12)
              .join('\n')}`,
          timeoutMs,
        },
      ),
    close() {
      closed = true;
      socket.close();
    },
  };
};

/** One that is there: it has been told the head of the log. */
export const enterAsViewer = async (url: string, person: Person, sessionId: string): Promise<Viewer> => {
  const viewer = openViewer(url, person, sessionId);
  await until(() => viewer.messages().some(({ type }) => type === 'hello'), { what: 'a hello' });
  return viewer;
};

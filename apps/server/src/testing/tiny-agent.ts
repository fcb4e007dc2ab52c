// An agent that speaks the control and live protocols over a real unix socket and has no Claude: it keeps a journal in
// memory, does each command once, and proposes again what was not acknowledged. Its line can be cut at any moment.

import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import {
  agentPaths,
  clientMessage,
  controlVersion,
  liveViewer,
  toAgentControl,
  type AgentCommand,
  type AgentEvent,
  type ClientMessage,
  type LiveViewer,
  type ServerMessage,
  type ToAgentControl,
} from '@remote-claude/contract';
import { WebSocketServer, type WebSocket } from 'ws';

export interface TinyAgentOptions {
  socketPath: string;
  secret: string;
  /** Of the control link that it greets with; the present one where it is not said. */
  version?: number;
  /** Called once for each command, however often it is told. */
  onCommand?(agent: TinyAgent, command: AgentCommand): void;
  /** Answers what is asked with the secret over HTTP; without it, or where it leaves it to others, there is nothing here. */
  onRequest?(request: IncomingMessage, response: ServerResponse): boolean;
  /** Called for each message on a live line. */
  onLive?(agent: TinyAgent, message: ClientMessage, line: WebSocket): void;
}

export interface TinyAgent {
  readonly source: string;
  /** Writes to the journal, and proposes it at once or when the line is back. */
  propose(event: AgentEvent, commandIds?: readonly string[]): void;
  /** To every live line. */
  tell(message: ServerMessage): void;
  /** Bytes to every live line. */
  tellBytes(bytes: Uint8Array): void;
  /** Breaks every connection without a word; the journal stays. */
  cut(): void;
  /** What the server has not read yet of the control line. */
  waitingBytes(): number;
  /** Says anything on the control line. */
  sayRaw(text: string): void;
  unacknowledged(): number;
  readonly rejected: { n: number; reason: string }[];
  readonly control: ToAgentControl[];
  /** Whose the live lines are, as the server said when it opened each. */
  readonly viewers: LiveViewer[];
  isLinked(): boolean;
  close(): Promise<void>;
}

interface Entry {
  n: number;
  event: AgentEvent;
  commandIds?: readonly string[];
}

export const startTinyAgent = async (options: TinyAgentOptions): Promise<TinyAgent> => {
  const source = randomUUID();
  const done = new Set<string>();
  const rejected: TinyAgent['rejected'] = [];
  const control: ToAgentControl[] = [];
  const viewers: LiveViewer[] = [];
  let journal: Entry[] = [];
  let counted = 0;
  let line: WebSocket | null = null;
  const lives = new Set<WebSocket>();

  const send = (message: unknown): void => {
    if (line?.readyState === line?.OPEN) line?.send(JSON.stringify(message));
  };
  const forget = (upTo: number): void => {
    journal = journal.filter((entry) => entry.n > upTo);
  };

  const onControl = (message: ToAgentControl): void => {
    control.push(message);
    if (message.type === 'ack' && message.source === source) forget(message.n);
    if (message.type === 'reject') rejected.push({ n: message.n, reason: message.reason });
    if (message.type !== 'command' || done.has(message.command.id)) return;
    done.add(message.command.id);
    options.onCommand?.(agent, message.command);
  };

  const serveControl = (opened: WebSocket): void => {
    line?.terminate();
    line = opened;
    opened.on('message', (data) => onControl(toAgentControl.parse(JSON.parse((data as Buffer).toString()))));
    opened.on('error', () => {});
    send({ type: 'hello', version: options.version ?? controlVersion, agentVersion: 'tiny', source, idleMs: 0 });
    for (let from = 0; from < journal.length; from += 100) {
      send({ type: 'propose', source, proposals: journal.slice(from, from + 100) });
    }
  };

  const serveLive = (opened: WebSocket, { url }: IncomingMessage): void => {
    lives.add(opened);
    const viewer = new URL(url ?? '', 'http://agent').searchParams.get('viewer');
    // The server's own line names nobody.
    if (viewer !== null) viewers.push(liveViewer.parse(JSON.parse(viewer)));
    opened.on('error', () => {});
    opened.once('close', () => lives.delete(opened));
    opened.on('message', (data, isBinary) => {
      if (!isBinary) options.onLive?.(agent, clientMessage.parse(JSON.parse((data as Buffer).toString())), opened);
      // Echoes input as output, as a shell would.
      else opened.send(Buffer.concat([Buffer.of(1), (data as Buffer).subarray(1)]), { binary: true });
    });
  };

  const wss = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  const server: Server = createServer((request, response) => {
    const isAllowed = request.headers.authorization === `Bearer ${options.secret}`;
    if (!isAllowed || options.onRequest?.(request, response) !== true) response.writeHead(404).end();
  });
  server.on('upgrade', (request, socket, head) => {
    if (request.headers.authorization !== `Bearer ${options.secret}`) return socket.destroy();
    wss.handleUpgrade(request, socket, head, request.url === agentPaths.control ? serveControl : serveLive);
  });
  rmSync(options.socketPath, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.socketPath, resolve);
  });

  const agent: TinyAgent = {
    source,
    propose(event, commandIds) {
      counted += 1;
      const entry = { n: counted, event, ...(commandIds === undefined ? {} : { commandIds }) };
      journal.push(entry);
      send({ type: 'propose', source, proposals: [entry] });
    },
    tell(message) {
      for (const opened of lives) opened.send(JSON.stringify(message));
    },
    tellBytes(bytes) {
      for (const opened of lives) opened.send(bytes, { binary: true });
    },
    cut() {
      for (const client of wss.clients) client.terminate();
    },
    waitingBytes: () => line?.bufferedAmount ?? 0,
    sayRaw(text) {
      line?.send(text);
    },
    unacknowledged: () => journal.length,
    rejected,
    control,
    viewers,
    isLinked: () => line?.readyState === line?.OPEN && line !== null,
    async close() {
      for (const client of wss.clients) client.terminate();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      rmSync(options.socketPath, { force: true });
    },
  };
  return agent;
};

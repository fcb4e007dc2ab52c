/** A small server's side of the control link: it keeps what is proposed, and acknowledges when told to. */
import { randomUUID } from 'node:crypto';

import {
  agentPaths,
  fromAgentControl,
  type AgentCommand,
  type AgentEvent,
  type CommandId,
  type FromAgentControl,
  type ToAgentControl,
} from '@remote-claude/contract';
import { WebSocket } from 'ws';

import { testSecret } from './agent-process.js';
import { until } from './scratch.js';

export interface Proposed {
  source: string;
  n: number;
  event: AgentEvent;
  commandIds: readonly CommandId[];
}
type EventOfType<T extends AgentEvent['type']> = Extract<AgentEvent, { type: T }>;
type Unsent = AgentCommand extends infer C ? (C extends AgentCommand ? Omit<C, 'id'> : never) : never;

export interface ControlClient {
  hello: Extract<FromAgentControl, { type: 'hello' }>;
  /** Everything proposed on this link, in order. */
  proposed: readonly Proposed[];
  blobs: ReadonlyMap<string, string>;
  command(command: Unsent, id?: CommandId): CommandId;
  /** The next event of this type that nobody has waited for. */
  next<T extends AgentEvent['type']>(type: T, where?: (event: EventOfType<T>) => boolean): Promise<EventOfType<T>>;
  commandsOf(event: AgentEvent): readonly CommandId[];
  send(message: ToAgentControl): void;
  acknowledgeAll(): void;
  close(): Promise<void>;
}

export const newCommandId = (): CommandId => randomUUID() as CommandId;

export const connectControl = async (
  socketPath: string,
  { acknowledge = true, storeBlobs = acknowledge }: { acknowledge?: boolean; storeBlobs?: boolean } = {},
): Promise<ControlClient> => {
  const socket = new WebSocket(`ws+unix:${socketPath}:${agentPaths.control}`, {
    headers: { authorization: `Bearer ${testSecret}` },
  });
  const proposed: Proposed[] = [];
  const blobs = new Map<string, string>();
  const taken = new Set<AgentEvent>();
  let hello: ControlClient['hello'] | null = null;
  const send = (message: ToAgentControl): void => socket.send(JSON.stringify(message));
  socket.on('message', (data) => {
    const message = fromAgentControl.parse(JSON.parse(String(data)));
    if (message.type === 'hello') hello = message;
    if (message.type === 'blob') {
      blobs.set(message.hash, Buffer.from(message.base64, 'base64').toString());
      if (storeBlobs) send({ type: 'blob-ack', hash: message.hash });
    }
    if (message.type !== 'propose') return;
    for (const { n, event, commandIds = [] } of message.proposals)
      proposed.push({ source: message.source, n, event, commandIds });
    if (acknowledge) send({ type: 'ack', source: message.source, n: message.proposals.at(-1)?.n ?? 0 });
  });
  await new Promise((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
  return {
    hello: await until('hello', () => hello),
    proposed,
    blobs,
    command: (command, id = newCommandId()) => {
      send({ type: 'command', command: { ...command, id } });
      return id;
    },
    next: async <T extends AgentEvent['type']>(type: T, where: (event: EventOfType<T>) => boolean = () => true) => {
      const event = await until(`${type} after ${proposed.map((one) => one.event.type).join(', ')}`, () =>
        proposed
          .map((one) => one.event)
          .find((one) => one.type === type && !taken.has(one) && where(one as EventOfType<T>)),
      );
      taken.add(event);
      return event as EventOfType<T>;
    },
    commandsOf: (event) => proposed.find((one) => one.event === event)?.commandIds ?? [],
    send,
    acknowledgeAll: () => {
      const last = new Map(proposed.map(({ source, n }) => [source, n]));
      for (const [source, n] of last) send({ type: 'ack', source, n });
    },
    close: () =>
      new Promise((resolve) => {
        if (socket.readyState === socket.CLOSED) return resolve();
        socket.once('close', () => resolve());
        socket.close();
      }),
  };
};

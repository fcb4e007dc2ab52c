// One open socket of a person: checks what comes, follows what it asked for, hands on what acts.

import {
  AppError,
  closeCodeOf,
  closeServiceRestart,
  writingFileActions,
  type ClientMessage,
  type CommandId,
  type ServerMessage,
} from '@remote-claude/contract';
import type { RawData, WebSocket } from 'ws';

import type { Cancel, Clock } from '../../platform/clock.js';
import { toAppError, type SocketContext } from '../../platform/http/index.js';
import type { Log } from '../../platform/log.js';
import type { Events } from '../events/index.js';
import type { AgentDoor } from '../relay/index.js';
import type { LiveActions } from './actions.js';
import type { Channel, Listener } from './channel.js';
import { checkBinary, checkText } from './inbox.js';
import { createOutbox } from './outbox.js';
import { createPace } from './pace.js';
import { createRelayLink } from './relay-link.js';

export interface ViewerDeps {
  context: SocketContext;
  socket: WebSocket;
  channel: Channel;
  events: Events;
  door: AgentDoor;
  actions: LiveActions;
  clock: Clock;
  log: Log;
  timing: { heartbeatMs: number; deadMs: number };
  onClose(): void;
}

export interface Viewer {
  loginId: string;
  /** Closes for good: the sign-in has ended, say. */
  refuse(error: AppError): void;
  /** The server goes; the viewer is to come back. */
  sendAway(retryAfterMs: number): void;
}

const firstLoadEvents = 100;
const maxMalformed = 10;
const maxWaiting = 1_000;
const limits = { skipAboveBytes: 1024 * 1024, closeAboveBytes: 16 * 1024 * 1024 };

export const createViewer = (deps: ViewerDeps): Viewer => {
  const { context, socket, channel, events, actions, clock } = deps;
  const { sessionId, actor, ip } = context;
  const request = { actor, ip };
  const outbox = createOutbox(socket, limits);
  const messagePace = createPace(clock, { perSecond: 200, burst: 400 });
  const bytePace = createPace(clock, { perSecond: 4_000_000, burst: 8_000_000 });
  let malformed = 0;
  let waiting = 0;
  let queue: Promise<void> = Promise.resolve();
  let closed = false;
  let wantsFiles = false;
  let heardAtMs = clock.monotonicMs();
  let cancelTimer: Cancel = () => {};

  const send = (message: ServerMessage): void => outbox.send(message);
  const sendError = (id: string, error: AppError): void => send({ id, type: 'error', payload: error.toPayload() });

  const listener: Listener = {
    onEvents: outbox.events,
    onPassing(text, of) {
      if (of === 'files' && !wantsFiles) return;
      outbox.catchUp(channel.openBlocks);
      outbox.passing(text);
    },
    onReachable: (reachable) => send({ id: '', type: 'place', payload: { reachable } }),
  };

  const relay = createRelayLink({
    sessionId,
    door: deps.door,
    onText: outbox.text,
    onBytes: outbox.passingBytes,
    onLost() {
      send({ id: '', type: 'place', payload: { reachable: false } });
      // Where only this line broke, the viewer may attach anew at once.
      if (channel.isReachable()) send({ id: '', type: 'place', payload: { reachable: true } });
    },
    viewerBacklogBytes: outbox.backlogBytes,
  });

  const subscribe = async (id: string, cursor: { epoch?: string | undefined; after?: number | undefined }): Promise<void> => {
    channel.leave(listener);
    const { head, state, epoch } = await events.head(sessionId);
    const knows = cursor.after !== undefined && cursor.epoch === epoch && cursor.after <= head;
    const shown = knows ? [] : await events.read(sessionId, { before: head + 1 }, firstLoadEvents);
    const payload = {
      epoch,
      first: head === 0 ? 0 : 1,
      head,
      state,
      events: shown,
      open: channel.openBlocks(),
      permissions: [...context.permissions],
    };
    send({ id, type: 'hello', payload });
    send({ id: '', type: 'place', payload: { reachable: channel.isReachable() } });
    await channel.join(listener, knows ? (cursor.after ?? head) : head, () => closed);
  };

  const stream = async ({ id, payload }: Extract<ClientMessage, { type: 'stream' }>): Promise<void> => {
    const on = payload.action === 'subscribe';
    if (payload.of === 'events') {
      if (on) return subscribe(id, payload);
      channel.leave(listener);
    } else if (payload.of === 'files') {
      wantsFiles = on;
    } else {
      await relay.send({ id, type: 'stream', payload });
    }
  };

  /** Acts in the session are audited first; keys typed into a terminal are not acts of their own. */
  const auditRelayed = async (message: ClientMessage): Promise<void> => {
    if (message.type === 'execute') {
      await actions.audit(request, sessionId, 'sessions.execute', { command: message.payload.command.slice(0, 2_000) });
    } else if (message.type === 'terminal' && ['create', 'destroy', 'rename'].includes(message.payload.action)) {
      const { action, terminalId } = message.payload;
      await actions.audit(request, sessionId, `terminal.${action}`, { terminalId });
    } else if (message.type === 'file' && (writingFileActions as readonly string[]).includes(message.payload.action)) {
      await actions.audit(request, sessionId, `files.${message.payload.action}`, { path: message.payload.path });
    }
  };

  const act = async (message: ClientMessage): Promise<void> => {
    switch (message.type) {
      case 'ping':
        return send({ id: message.id, type: 'pong', payload: {} });
      case 'stream':
        return stream(message);
      case 'terminal':
      case 'file':
      case 'execute':
        await auditRelayed(message);
        return relay.send(message);
      case 'claude':
        await actions.say(request, sessionId, { id: message.id, prompt: message.payload.prompt });
        return accept(message.id);
      case 'interrupt':
        await actions.interrupt(request, sessionId, { id: message.id });
        return accept(message.id);
      case 'withdraw':
        await actions.withdraw(request, sessionId, { id: message.id, messageId: message.payload.messageId });
        return accept(message.id);
      case 'approve': {
        const { approvalId, ...answer } = message.payload;
        await actions.answer(request, sessionId, { id: message.id, approvalId, answer });
        return accept(message.id);
      }
      case 'configure':
        await actions.configure(request, sessionId, { id: message.id, settings: message.payload });
        return accept(message.id);
    }
  };
  const accept = (commandId: CommandId): void => send({ id: commandId, type: 'accepted', payload: { commandId } });

  /** One after the other, so that what is sent in order is done in order. */
  const enqueue = (id: string, work: () => Promise<void>): void => {
    if (waiting >= maxWaiting) return sendError(id, new AppError('rate_limited', { message: 'Too much is waiting. Slow down.' }));
    waiting += 1;
    queue = queue.then(work).catch((thrown: unknown) => {
      const error = toAppError(thrown);
      if (error.code === 'internal') deps.log.error({ err: error.cause ?? error, sessionId }, 'a message failed');
      sendError(id, error);
    });
    queue = queue.finally(() => {
      waiting -= 1;
    });
  };

  const countMalformed = (): void => {
    malformed += 1;
    if (malformed > maxMalformed) socket.close(closeCodeOf('bad_request'), 'Too many messages that make no sense.');
  };

  const onText = (text: string): void => {
    if (!messagePace.take(1)) return sendError('', new AppError('rate_limited', { retryAfterMs: 1_000 }));
    const checked = checkText(context, text);
    if (checked.ok) return enqueue(checked.message.id, () => act(checked.message));
    if (checked.malformed) countMalformed();
    sendError(checked.id, checked.error);
  };

  const onBytes = (bytes: Buffer): void => {
    const error = bytePace.take(bytes.length) ? checkBinary(context, bytes) : new AppError('rate_limited', { retryAfterMs: 1_000 });
    if (error !== null) {
      if (error.code === 'bad_request') countMalformed();
      return sendError('', error);
    }
    // Straight on while nothing waits before it; else in its place, behind the attach that it belongs to.
    if (waiting === 0 && relay.sendBytes(bytes)) return;
    const copy = Buffer.from(bytes);
    enqueue('', async () => {
      if (!relay.sendBytes(copy)) throw new AppError('place_unreachable');
    });
  };

  const beat = (): void => {
    if (clock.monotonicMs() - heardAtMs > deps.timing.deadMs) return socket.terminate();
    outbox.catchUp(channel.openBlocks);
    socket.ping();
    cancelTimer = clock.after(deps.timing.heartbeatMs, beat);
  };

  const heard = (): void => {
    heardAtMs = clock.monotonicMs();
  };
  socket.on('pong', heard);
  socket.on('error', () => {});
  socket.on('message', (data: RawData, isBinary: boolean) => {
    heard();
    if (isBinary) onBytes(data as Buffer);
    else onText((data as Buffer).toString('utf8'));
  });
  socket.once('close', () => {
    closed = true;
    cancelTimer();
    channel.leave(listener);
    relay.close();
    deps.onClose();
  });
  beat();

  return {
    loginId: actor.loginId,
    refuse(error) {
      sendError('', error);
      socket.close(closeCodeOf(error.code), error.message.slice(0, 100));
    },
    sendAway(retryAfterMs) {
      send({ id: '', type: 'going-away', payload: { retryAfterMs } });
      socket.close(closeServiceRestart, String(retryAfterMs));
    },
  };
};

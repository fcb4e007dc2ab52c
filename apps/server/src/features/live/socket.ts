// One viewer's socket: each message is parsed, permitted, limited, audited where it acts, and answered, whatever it is.
// It knows no SQL and no agent; the room, the reader, the services and the relay line do the work.

import {
  AppError,
  clientMessage,
  closeCodeOf,
  closeServiceRestart,
  sessionSockets,
  type ClientMessage,
  type ErrorCode,
  type LiveMessage,
} from '@remote-claude/contract';
import type { RawData, WebSocket } from 'ws';
import { z } from 'zod';

import type { Clock } from '../../platform/clock.js';
import { createBrake, type BrakeLimits } from '../../platform/flow.js';
import { invalidFields, toAppError, type SocketContext } from '../../platform/http/index.js';
import { keepAlive, type HeartbeatTiming } from '../../platform/keep-alive.js';
import type { Log } from '../../platform/log.js';
import { createPace, type Pace } from '../../platform/pace.js';
import type { Events } from '../events/index.js';
import type { AgentDoor } from '../relay/index.js';
import type { LiveActions } from './actions.js';
import { auditOf, inputTerminalOf, permissionsOf, plainTerminalId, type AuditWords } from './acts.js';
import { carryOut, isCommand } from './commands.js';
import { createLane } from './lane.js';
import { createOutlet } from './outlet.js';
import { createReader } from './reader.js';
import { createRelayLine } from './relay-line.js';
import type { Room } from './room.js';

export interface SocketDeps {
  events: Events;
  actions: LiveActions;
  door: AgentDoor;
  clock: Clock;
  log: Log;
  timing: HeartbeatTiming;
  /** Of all sockets of this person. */
  personPace: Pace;
  onRefused?: (code: ErrorCode) => void;
}

export interface ViewerSocket {
  /** Tells the viewer to come back after this time, and closes. */
  goAway(retryAfterMs: number): void;
  /** Its person may do less than when it came: nothing of what waits is done any more, nor what still comes. */
  drop(): void;
  /** The sign-in that it was opened with is worth nothing any more. */
  revoke(): void;
}

const messagePace = { perSecond: 100, burst: 200 };
/** Typing, a mouse that a program follows, and pastes: more waits at the viewer, none of it is dropped. */
const inputLimits: BrakeLimits = {
  messages: { perSecond: 500, burst: 2_000 },
  bytes: { perSecond: 4e6, burst: 8e6 },
  maxDebt: 5_000,
};
/** The first typing in a terminal is written to the audit log, so it costs more. */
const newTerminalCost = 5;
const maxTypedIn = 1_000;
/** What every message costs; credit for terminal output, which comes with every few frames, costs no more. */
const anyCost = 0.05;
/** A first load reads the log and is the largest answer there is. */
const subscribeCost = 10;
const maxProtocolErrors = 10;
const maxWaiting = 500;
/** One read of a socket may bring so many small frames. */
const maxRelayed = 4_000;
/** While an audit row is written, a viewer is read no further than this; an item costs more than its bytes. */
const relayAhead = { bytes: 512 * 1024, item: 2_048 };

const tooFast = (): AppError => new AppError('rate_limited', { retryAfterMs: 1_000 });
const costOf = (message: ClientMessage): number => {
  if (message.type === 'terminal' && message.payload.action === 'ack') return 0;
  return message.type === 'stream' && message.payload.action === 'subscribe' ? subscribeCost : 1 - anyCost;
};
const anyId = z.object({ id: z.string() });

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new AppError('bad_request', { message: 'This is not JSON.' }, { cause });
  }
};

export const serveSocket = (deps: SocketDeps, socket: WebSocket, context: SocketContext, room: Room): ViewerSocket => {
  const { clock, log, events } = deps;
  const { actor, sessionId, permissions, ip } = context;
  const filter = sessionSockets[context.name];
  const outlet = createOutlet(socket, deps.onRefused);
  const messages = createPace(clock, messagePace);
  const typing = createBrake(outlet.input, clock, inputLimits);
  const commandLane = createLane(maxWaiting);
  const relayLane = createLane(maxRelayed);
  let relayedBytes = 0;
  const typedIn = new Set<string>();
  let wantsFiles = false;
  let protocolErrors = 0;
  let dropped = false;

  const close = (error: AppError): void => {
    socket.close(closeCodeOf(error.code), error.message.slice(0, 100));
    // What is not read does not learn that the other end closed too.
    socket.resume();
  };

  const protocolError = (id: string, error: AppError): void => {
    outlet.error(id, error);
    protocolErrors += 1;
    if (protocolErrors > maxProtocolErrors)
      close(new AppError('bad_request', { message: 'Too many messages were not understood.' }));
  };

  const failed = (id: string, thrown: unknown): void => {
    const error = toAppError(thrown);
    if (error.code === 'internal') log.error({ err: error.cause ?? error, sessionId }, 'a message on a socket failed');
    outlet.error(id, error);
  };

  const reader = createReader({
    sessionId,
    events,
    room,
    outlet,
    permissions,
    // What it has stays right: it comes back with its cursor.
    onFailed(error) {
      log.warn({ err: error, sessionId }, 'a viewer could not be told what happened');
      close(new AppError('unavailable'));
    },
  });
  const line = createRelayLine({
    ...deps,
    sessionId,
    person: { userId: actor.userId, name: actor.name, mayType: permissions.has('session.terminal.write') },
    outlet,
    binary: filter.binary,
    onBroken() {
      outlet.message({ id: '', type: 'place', payload: { reachable: false } });
      if (room.isAgentUp()) outlet.message({ id: '', type: 'place', payload: { reachable: true } });
    },
  });
  const member = { onEvents: reader.onEvents, onLive: reader.onLive, wantsFiles: () => wantsFiles };

  const record = ({ action, details }: AuditWords): Promise<void> =>
    deps.actions.audit({ actor, ip }, sessionId, action, details);

  /** In order; at once where nothing before it waits and nothing is to be written down first. */
  const relay = (
    item: LiveMessage | Buffer,
    id: string,
    words: AuditWords | null,
    done: () => void = () => {},
  ): void => {
    if (words === null && !relayLane.isBusy()) return line.send(item);
    const size = relayAhead.item + (Buffer.isBuffer(item) ? item.length : 0);
    const taken = relayLane.add(async () => {
      try {
        if (words !== null && !dropped) await record(words);
        done();
        line.send(item);
      } catch (error) {
        failed(id, error);
      } finally {
        relayedBytes -= size;
        if (relayedBytes === 0) outlet.input.release('relay');
      }
    });
    if (taken) relayedBytes += size;
    if (relayedBytes > relayAhead.bytes) outlet.input.hold('relay');
    if (!taken) outlet.error(id, new AppError('rate_limited'));
  };

  const inOrder = (id: string, work: () => Promise<void>): void => {
    const taken = commandLane.add(async () => {
      if (!dropped) await work().catch((error: unknown) => failed(id, error));
    });
    if (!taken) outlet.error(id, new AppError('rate_limited'));
  };

  const onStream = (message: Extract<ClientMessage, { type: 'stream' }>): void => {
    const { of, action, epoch, after } = message.payload;
    if (of === 'execute') return relay(message, message.id, null);
    if (of === 'events') {
      return inOrder(message.id, async () =>
        action === 'subscribe' ? reader.subscribe(message.id, { epoch, after }) : reader.unsubscribe(),
      );
    }
    wantsFiles = action === 'subscribe';
    room.filesChanged();
  };

  const onMessage = (message: ClientMessage): void => {
    const missing = permissionsOf(message).find((permission) => !permissions.has(permission));
    if (missing !== undefined) return outlet.error(message.id, new AppError('forbidden', { permission: missing }));
    if (isCommand(message)) {
      return inOrder(message.id, async () => {
        const commandId = await carryOut(deps.actions, { actor, ip }, sessionId, message);
        outlet.message({ id: message.id, type: 'accepted', payload: { commandId } });
      });
    }
    if (message.type === 'ping') return outlet.message({ id: message.id, type: 'pong', payload: {} });
    if (message.type === 'stream') return onStream(message);
    const isWrite = message.type === 'terminal' && message.payload.action === 'write';
    const terminal = isWrite ? plainTerminalId(message.payload.terminalId) : null;
    const words = terminal !== null && typedIn.has(terminal) ? null : auditOf(message, typedIn);
    relay(message, message.id, words, () => terminal !== null && typedIn.add(terminal));
  };

  const onText = (text: string): void => {
    if (!messages.take(anyCost) || !deps.personPace.take(anyCost)) return outlet.error('', tooFast());
    let id = '';
    try {
      const value = parseJson(text);
      id = anyId.safeParse(value).data?.id ?? '';
      const parsed = clientMessage.safeParse(value);
      if (!parsed.success) throw invalidFields(parsed.error);
      const message = parsed.data;
      if (!(filter.accepts as readonly string[]).includes(message.type)) {
        throw new AppError('bad_request', {
          message: `This socket does not take messages of type ${message.type}; ${sessionSockets.ws.path} does.`,
        });
      }
      const cost = costOf(message);
      if (!messages.take(cost) || !deps.personPace.take(cost)) return outlet.error(id, tooFast());
      onMessage(message);
    } catch (thrown) {
      protocolError(id, toAppError(thrown));
    }
  };

  const onBytes = (frame: Buffer): void => {
    const terminal = filter.binary ? inputTerminalOf(frame) : null;
    if (!typing.spend(1, frame.length)) return close(tooFast());
    if (terminal === null)
      return protocolError('', new AppError('bad_request', { message: 'These bytes are not terminal input.' }));
    if (!permissions.has('session.terminal.write'))
      return outlet.error('', new AppError('forbidden', { permission: 'session.terminal.write' }));
    const isNew = !typedIn.has(terminal);
    if (isNew && (typedIn.size >= maxTypedIn || !messages.take(newTerminalCost))) return outlet.error('', tooFast());
    const words = !isNew ? null : { action: 'terminal.write', details: { terminalId: terminal } };
    relay(frame, '', words, () => typedIn.add(terminal));
  };

  keepAlive(socket, clock, deps.timing, {
    sentBytes: outlet.sentBytes,
    // Whoever waits for an answer to a ping that we have not read must not take us for gone.
    onHeld: () => outlet.message({ id: '', type: 'pong', payload: {} }),
  });
  socket.on('message', (data: RawData, isBinary: boolean) => {
    if (socket.readyState !== socket.OPEN || dropped) return;
    if (isBinary) onBytes(data as Buffer);
    else onText(data.toString());
  });
  socket.on('error', () => {});
  socket.once('close', () => {
    reader.unsubscribe();
    wantsFiles = false;
    line.close();
    room.leave(member);
  });
  room.join(member);
  const drop = (): void => {
    dropped = true;
    // Not when the socket is closed, which its other end can put off.
    line.close();
  };
  return {
    drop,
    goAway(retryAfterMs) {
      outlet.message({ id: '', type: 'going-away', payload: { retryAfterMs } });
      socket.close(closeServiceRestart, String(retryAfterMs));
    },
    revoke() {
      const error = new AppError('unauthenticated');
      drop();
      outlet.error('', error);
      close(error);
    },
  };
};

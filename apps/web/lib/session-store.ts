/**
 * The live state of one session for the page: the log, the outbox, and what passes by.
 * Messages are taken in order and shown once per animation frame. It does not know React, nor who reads.
 */
import { createStore, type StoreApi } from 'zustand/vanilla';
import type { ClientMessage, CommandId, NumberedEvent, ServerMessage } from '@remote-claude/contract';

import { newCommandId, newUuid } from './ids';
import {
  accept,
  again,
  handedOver,
  outlives,
  put,
  refuse,
  restore,
  settle,
  take,
  takeBack,
  unsent,
  type Command,
  type Outbox,
} from './outbox';
import { applyMessage, emptyLog, lastSeq, prepend, withoutDropped, type SessionLog } from './session-log';
import { recallAll, remember } from './storage';

export interface SessionView {
  log: SessionLog;
  outbox: Outbox;
  /** `catching-up`: connected, and the answer to the subscription is still to come. */
  sync: 'offline' | 'catching-up' | 'live';
  /** How the last subscription went on: where it had stopped, from the server's end of the log, or in another log. */
  resumed: 'continued' | 'anew' | 'restored' | null;
  /** Whether the session's agent can be reached for what is live. */
  reachable: boolean;
  /** A passing word, such as that the model is asked again. */
  notice: { kind: string; text: string; at: number } | null;
  /** When something of a running turn was last heard, in milliseconds since 1970. */
  lastDeltaAt: number;
  /** What went wrong with the subscription. */
  error: string | null;
  older: 'idle' | 'loading' | 'failed';
}

export interface SessionStore {
  view: StoreApi<SessionView>;
  /** The socket opened: subscribe, and send what is not yet accepted. */
  connected(): void;
  disconnected(): void;
  receive(message: ServerMessage): void;
  /** Keeps a command until it is accepted, and sends it when it can. */
  dispatch(command: Command): void;
  retry(commandId: string): void;
  /** Takes a message back that is not yet being worked on. */
  takeBack(commandId: string): void;
  discard(commandId: string): void;
  /** Another tab knew of the message too, and sent it or took it back. */
  forget(commandId: string): void;
  loadOlder(): Promise<void>;
  close(): void;
}

export interface SessionStoreDeps {
  /** Whose messages are kept: several people may use one browser. */
  userId: string;
  sessionId: string;
  send(message: ClientMessage): boolean;
  /** Events before a number, oldest first. */
  history(before: number): Promise<readonly NumberedEvent[]>;
  /** Calls back before the next paint; returns how to cancel. */
  nextFrame(callback: () => void): () => void;
  now(): number;
}

/** How long a dropped block is shown while its final event is on its way, so that nothing flickers. */
const droppedShownMs = 600;

/** Begins the key of each kept message: one for each, so that tabs do not write over each other's. */
export const outboxKey = (userId: string, sessionId: string): string => `outbox.${userId}.${sessionId}.`;

/** What a `hello` made of what was known before; null where nothing was. */
const resumption = (before: SessionLog, after: SessionLog): SessionView['resumed'] => {
  if (!before.loaded) return null;
  if (before.epoch !== after.epoch) return 'restored';
  return after.events === before.events || before.head === 0 ? 'continued' : 'anew';
};

export const createSessionStore = (deps: SessionStoreDeps): SessionStore => {
  const { send, history, nextFrame, now } = deps;
  const kept = outboxKey(deps.userId, deps.sessionId);
  const view = createStore<SessionView>()(() => ({
    log: emptyLog,
    outbox: restore(recallAll(kept)),
    sync: 'offline',
    resumed: null,
    reachable: true,
    notice: null,
    lastDeltaAt: now(),
    error: null,
    older: 'idle',
  }));
  let waiting: ServerMessage[] = [];
  let cancelFrame: (() => void) | null = null;
  let subscription: string | null = null;
  let dropTimer: ReturnType<typeof setTimeout> | undefined;

  const setOutbox = (outbox: Outbox): void => {
    const before = view.getState().outbox;
    view.setState({ outbox });
    for (const { command } of before)
      if (!outbox.some((entry) => entry.command.id === command.id)) remember(kept + command.id, null);
    for (const entry of outbox)
      if (!before.includes(entry)) remember(kept + entry.command.id, outlives(entry) ? entry : null);
  };

  const handOver = (command: Command): void => {
    if (send(command)) setOutbox(handedOver(view.getState().outbox, command.id));
  };

  const subscribe = (): void => {
    const { log } = view.getState();
    const cursor =
      log.loaded && log.epoch !== null && log.events.length > 0 ? { epoch: log.epoch, after: lastSeq(log) } : {};
    subscription = newUuid();
    const sent = send({ id: subscription, type: 'stream', payload: { action: 'subscribe', of: 'events', ...cursor } });
    if (!sent) subscription = null;
  };

  const answer = (message: ServerMessage): void => {
    const { outbox } = view.getState();
    if (message.type === 'accepted') setOutbox(accept(outbox, message.payload.commandId));
    else if (message.type === 'notice') view.setState({ notice: { ...message.payload, at: now() } });
    else if (message.type === 'place') view.setState({ reachable: message.payload.reachable });
    else if (message.type === 'error' && message.id === subscription) view.setState({ error: message.payload.message });
    else if (message.type === 'error') setOutbox(refuse(outbox, message.id, message.payload));
    else if (message.type === 'hello') {
      subscription = null;
      view.setState({ sync: 'live', error: null });
    }
  };

  const settleOutbox = (log: SessionLog, from: number): void => {
    const { outbox } = view.getState();
    if (outbox.length === 0) return;
    const seen = new Set<string>(log.state.queue.map(({ messageId }) => messageId));
    for (let index = log.events.length - 1; index >= 0; index--) {
      const numbered = log.events[index];
      if (numbered === undefined || numbered.seq <= from) break;
      if (numbered.event.type === 'message.user') seen.add(numbered.event.messageId);
    }
    const settled = settle(outbox, seen);
    if (settled !== outbox) setOutbox(settled);
  };

  const flush = (): void => {
    cancelFrame = null;
    const messages = waiting;
    waiting = [];
    const before = view.getState().log;
    let log = before;
    let moved = false;
    for (const message of messages) {
      const applied = applyMessage(log, message);
      if (applied.log !== log && message.type !== 'hello') moved = true;
      if (message.type === 'hello') view.setState({ resumed: resumption(log, applied.log) });
      log = applied.log;
      answer(message);
      if (applied.resubscribe && subscription === null) {
        view.setState({ log });
        subscribe();
      }
    }
    view.setState(moved ? { log, lastDeltaAt: now() } : { log });
    settleOutbox(log, before.epoch === log.epoch && before.loaded ? lastSeq(before) : 0);
    if (log.blocks.some(({ dropped }) => dropped)) {
      clearTimeout(dropTimer);
      dropTimer = setTimeout(
        () => view.setState(({ log: current }) => ({ log: withoutDropped(current) })),
        droppedShownMs,
      );
    }
  };

  return {
    view,
    connected() {
      view.setState({ sync: 'catching-up' });
      subscribe();
      for (const command of unsent(view.getState().outbox)) handOver(command);
    },
    disconnected() {
      subscription = null;
      view.setState({ sync: 'offline' });
    },
    receive(message) {
      waiting.push(message);
      cancelFrame ??= nextFrame(flush);
    },
    dispatch(command) {
      setOutbox(put(view.getState().outbox, command, now()));
      handOver(command);
    },
    retry(commandId) {
      setOutbox(again(view.getState().outbox, commandId));
      const entry = view.getState().outbox.find(({ command }) => command.id === commandId);
      if (entry) handOver(entry.command);
    },
    takeBack(commandId) {
      const withdrawal: Command = {
        id: newCommandId(),
        type: 'withdraw',
        payload: { messageId: commandId as CommandId },
      };
      setOutbox(takeBack(view.getState().outbox, commandId, withdrawal, now()));
      if (view.getState().outbox.some(({ command }) => command.id === withdrawal.id)) handOver(withdrawal);
    },
    discard(commandId) {
      setOutbox(take(view.getState().outbox, commandId));
    },
    forget(commandId) {
      const { outbox } = view.getState();
      if (outbox.some(({ command, status }) => command.id === commandId && status !== 'accepted'))
        view.setState({ outbox: take(outbox, commandId) });
    },
    async loadOlder() {
      const { log, older } = view.getState();
      const from = log.events[0]?.seq;
      if (older === 'loading' || from === undefined || from <= Math.max(1, log.first)) return;
      view.setState({ older: 'loading' });
      try {
        const items = await history(from);
        view.setState(({ log: current }) => ({ log: prepend(current, items), older: 'idle' }));
      } catch {
        view.setState({ older: 'failed' });
      }
    },
    close() {
      cancelFrame?.();
      cancelFrame = null;
      clearTimeout(dropTimer);
    },
  };
};

/** One WebSocket that comes back by itself. It carries messages and does not know what they mean. */
import { serverMessage, type ClientMessage, type ServerMessage } from '@remote-claude/contract';

import { newUuid } from './ids';
import { idleLink, stepLink, type LinkEvent, type LinkState } from './socket-machine';

export type Incoming = ServerMessage | Uint8Array;
export type Listener = (message: Incoming) => void;

export interface SocketLink {
  /** Whether it was handed to an open socket; false means that nothing was sent. */
  send(message: ClientMessage | Uint8Array): boolean;
  subscribe(listener: Listener): () => void;
  /** For `useSyncExternalStore`. */
  watch(onChange: () => void): () => void;
  state(): LinkState;
  retryNow(): void;
  close(): void;
}

const pulseMs = 500;

const parse = (data: unknown): Incoming | null => {
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  if (typeof data !== 'string') return null;
  try {
    // A message of a kind that this page does not know is from a newer server, and not for it.
    const result = serverMessage.safeParse(JSON.parse(data));
    return result.success ? result.data : null;
  } catch {
    return null;
  }
};

/** The caller closes it. */
export const createSocketLink = (url: string): SocketLink => {
  let state = idleLink;
  let socket: WebSocket | null = null;
  const listeners = new Set<Listener>();
  const watchers = new Set<() => void>();

  const drop = (): void => {
    const old = socket;
    socket = null;
    old?.close(1000);
  };

  const open = (): void => {
    drop();
    const fresh = new WebSocket(url);
    fresh.binaryType = 'arraybuffer';
    socket = fresh;
    // Events of a socket that was given up are nobody's any more.
    fresh.onopen = () => socket === fresh && handle({ type: 'opened' });
    fresh.onclose = ({ code }) => {
      if (socket !== fresh) return;
      socket = null;
      handle({ type: 'closed', code });
    };
    fresh.onmessage = ({ data }) => {
      if (socket !== fresh) return;
      const message = parse(data);
      handle({ type: 'heard' });
      if (message === null) return;
      if (!(message instanceof Uint8Array) && message.type === 'going-away') {
        handle({ type: 'going-away', retryAfterMs: message.payload.retryAfterMs });
      }
      for (const listener of listeners) listener(message);
    };
  };

  const send: SocketLink['send'] = (message) => {
    if (socket?.readyState !== WebSocket.OPEN) return false;
    socket.send(message instanceof Uint8Array ? new Uint8Array(message) : JSON.stringify(message));
    return true;
  };

  const handle = (event: LinkEvent): void => {
    const before = state;
    const { state: next, actions } = stepLink({ state, now: Date.now(), random: Math.random() }, event);
    state = next;
    for (const action of actions) {
      if (action === 'open') open();
      else if (action === 'close') drop();
      else send({ id: newUuid(), type: 'ping', payload: {} });
    }
    if (before.phase !== next.phase || before.retryAt !== next.retryAt) for (const watcher of watchers) watcher();
  };

  const wake = (): void => {
    if (document.visibilityState === 'visible') handle({ type: 'wake' });
  };
  const timer = setInterval(() => handle({ type: 'pulse' }), pulseMs);
  window.addEventListener('online', wake);
  window.addEventListener('focus', wake);
  document.addEventListener('visibilitychange', wake);
  handle({ type: 'start' });

  return {
    send,
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    watch(onChange) {
      watchers.add(onChange);
      return () => void watchers.delete(onChange);
    },
    state: () => state,
    retryNow: () => handle({ type: 'retry' }),
    close() {
      clearInterval(timer);
      window.removeEventListener('online', wake);
      window.removeEventListener('focus', wake);
      document.removeEventListener('visibilitychange', wake);
      handle({ type: 'stop' });
      watchers.clear();
      listeners.clear();
    },
  };
};

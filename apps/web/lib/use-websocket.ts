/** The one hook over a session's socket. Reconnecting is its matter; what is said over it is the caller's. */
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';

import { createSocketLink, type Listener, type SocketLink } from './socket-link';
import { idleLink, type LinkState } from './socket-machine';

export interface Socket {
  /** False where nothing was sent because the socket is not open. */
  send: SocketLink['send'];
  /** Every message, in order, as long as the returned function was not called. It may begin before the socket is open. */
  subscribe: (listener: Listener) => () => void;
  connected: boolean;
  /** For a banner: phase, and when the next attempt is due. */
  link: LinkState;
  retryNow: () => void;
}

/** Keeps a socket to `url` open while the component is mounted; null is none. `send` and `subscribe` never change. */
export const useWebSocket = (url: string | null): Socket => {
  const current = useRef<SocketLink | null>(null);
  const listeners = useRef(new Set<Listener>());
  const [link, setLink] = useState<LinkState>(idleLink);

  useEffect(() => {
    if (url === null) return;
    const fresh = createSocketLink(url);
    current.current = fresh;
    fresh.subscribe((message) => {
      for (const listener of listeners.current) listener(message);
    });
    fresh.watch(() => setLink(fresh.state()));
    setLink(fresh.state());
    return () => {
      current.current = null;
      fresh.close();
      setLink(idleLink);
    };
  }, [url]);

  const send = useCallback<SocketLink['send']>((message) => current.current?.send(message) ?? false, []);
  const subscribe = useCallback((listener: Listener) => {
    listeners.current.add(listener);
    return () => void listeners.current.delete(listener);
  }, []);
  const retryNow = useCallback(() => current.current?.retryNow(), []);
  return useMemo(
    () => ({ send, subscribe, connected: link.phase === 'open', link, retryNow }),
    [send, subscribe, link, retryNow],
  );
};

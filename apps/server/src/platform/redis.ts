// Redis by URL, which speeds things up and keeps nothing: whatever is asked of it has another answer while it is away.
// It knows no key's meaning.

import { Redis } from 'ioredis';

import type { Log } from './log.js';

/** A second, quicker way for messages that arrive in any case. */
export interface QuickWire {
  /** Perhaps. */
  send(text: string): void;
  listen(deliver: (text: string) => void): void;
}

export interface RedisLine {
  /** For counters. A command rejects at once while there is no connection. */
  client: Redis;
  wire: QuickWire;
  isReady(): boolean;
  close(): Promise<void>;
}

export interface RedisOptions {
  url: string;
  /** Begins every key and channel: several installations may share one Redis. */
  prefix: string;
  log: Log;
}

const slowestRetryMs = 1_000;

/** Does not wait for it: a server starts without its Redis too. */
export const openRedis = ({ url, prefix, log }: RedisOptions): RedisLine => {
  const channel = `${prefix}:bus`;
  let closed = false;
  let wasReady: boolean | null = null;
  const connect = (): Redis => {
    const made = new Redis(url, {
      // What cannot be said now is not said later: others have the other way.
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      autoResendUnfulfilledCommands: false,
      connectTimeout: 2_000,
      commandTimeout: 500,
      keepAlive: 10_000,
      retryStrategy: (times) => Math.min(slowestRetryMs, 50 * 2 ** Math.min(times, 10)),
      reconnectOnError: () => false,
    });
    // Without a listener an error would end the process; the loss is said below.
    made.on('error', () => {});
    return made;
  };
  const say = (isReady: boolean): void => {
    if (closed || wasReady === isReady) return;
    if (isReady) log.info('Redis is connected');
    else log.warn('Redis cannot be reached: everything works without it, some of it a little later');
    wasReady = isReady;
  };

  const client = connect();
  client.on('ready', () => say(true));
  client.on('close', () => say(false));
  const ears = connect();
  let deliver = (_text: string): void => {};
  // At each new connection; one that ends meanwhile subscribes at the next.
  ears.on('ready', () => void ears.subscribe(channel).catch(() => {}));
  ears.on('message', (_channel, text) => deliver(text));

  return {
    client,
    wire: {
      send: (text) => void client.publish(channel, text).catch(() => {}),
      listen: (listener) => (deliver = listener),
    },
    isReady: () => client.status === 'ready' && ears.status === 'ready',
    async close() {
      closed = true;
      deliver = () => {};
      for (const one of [client, ears]) one.disconnect();
    },
  };
};

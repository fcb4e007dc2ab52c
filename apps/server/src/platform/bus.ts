// Short messages between the parts of a server and between its replicas: the port. A message is a hint that something
// changed; the rows are the truth.

import type { Executor } from './database/index.js';

export type BusNotice =
  | { kind: 'message'; payload: unknown }
  /** Messages may have been missed: read again what the channel is about. */
  | { kind: 'resync' };

export type BusListener = (notice: BusNotice) => void;

export const maxBusPayloadBytes = 7 * 1024;

export interface Bus {
  /** Delivers to every listener of the channel in every process, this one included. Rejects when it cannot be sent. */
  publish(channel: string, payload: unknown): Promise<void>;
  /** The same, delivered when `trx` commits and never if it does not. Equal messages of one transaction may arrive once. */
  publishIn(trx: Executor, channel: string, payload: unknown): Promise<void>;
  /** Listens until the returned function is called. Listeners run in order of publishing and must not throw. */
  subscribe(channel: string, listener: BusListener): () => void;
  close(): Promise<void>;
}

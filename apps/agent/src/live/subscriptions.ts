/** What one socket follows: the chat's passing messages, changes on disk, output of commands. It does not know their sources. */
import type { ExecuteResult, FileChange, LiveMessage } from '@remote-claude/contract';

import type { Execute, ExecuteOutput } from '../execute/index.js';
import type { Files } from '../files/index.js';
import type { ChatRelay } from './chat-relay.js';
import type { Connection } from './connection.js';

export interface Subscriptions {
  change(message: Extract<LiveMessage, { type: 'stream' }>): Promise<void>;
  /** Runs a command of this socket: its output bears the request's id. */
  ownRun(
    id: string,
    run: (onOutput: (output: ExecuteOutput) => void) => Promise<ExecuteResult>,
  ): Promise<ExecuteResult>;
  close(): void;
}

interface SubscriptionsOptions {
  connection: Connection;
  files: Files;
  execute: Execute;
  relay: ChatRelay;
}

export const createSubscriptions = ({ connection, files, execute, relay }: SubscriptionsOptions): Subscriptions => {
  let stopFiles: Promise<() => void> | null = null;
  let stopExecute: (() => void) | null = null;
  /** Changes that were not sent for want of room: the other end is told to look again. */
  let missedChanges = false;
  /** The output that is being handed out belongs to a run of this socket. */
  let own: { id: string; output: ExecuteOutput } | null = null;
  let closed = false;

  const sendChanges = (id: string, changes: readonly FileChange[], overflow: boolean): void =>
    connection.send({ id, type: 'files-changed', payload: { changes: [...changes], overflow } });

  const onChanges = (changes: readonly FileChange[], overflow: boolean): void => {
    missedChanges ||= !connection.roomy();
    if (!missedChanges) sendChanges('', changes, overflow);
  };
  connection.onDrained(() => {
    if (missedChanges && stopFiles) sendChanges('', [], true);
    missedChanges = false;
  });

  const onLost = (text: string): void =>
    connection.send({ id: '', type: 'notice', payload: { kind: 'warning', text } });

  const onOutput = (output: ExecuteOutput): void => {
    if (!connection.roomy()) return;
    const id = own?.output === output ? own.id : '';
    connection.send({ id, type: 'stream', payload: { of: 'execute', ...output } });
  };

  const dropFiles = (): void => {
    void stopFiles?.then((stop) => stop());
    stopFiles = null;
  };

  return {
    async change({ id, payload }) {
      const subscribe = payload.action === 'subscribe';
      switch (payload.of) {
        case 'events':
          if (subscribe) relay.start(id);
          else relay.stop();
          return;
        case 'files':
          if (!subscribe) return dropFiles();
          stopFiles ??= files.watch.subscribe({ onChanges, onLost });
          await stopFiles;
          // From here on nothing is missed; what is there must be read once.
          if (!closed) sendChanges(id, [], true);
          return;
        case 'execute':
          if (subscribe) stopExecute ??= execute.subscribe(onOutput);
          else {
            stopExecute?.();
            stopExecute = null;
          }
      }
    },
    // A run tells its own listener first, with the same value as all others.
    ownRun: (id, run) => run((output) => (own = { id, output })),
    close() {
      closed = true;
      relay.stop();
      dropFiles();
      stopExecute?.();
    },
  };
};

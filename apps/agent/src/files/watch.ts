/**
 * What changes in the work tree, as it happens, for whoever subscribes. It watches only while somebody does.
 * It does not know sockets. Changes come in the watcher's own batches (50 ms after the first of a burst).
 */
import { relative, sep } from 'node:path';

import watcher from '@parcel/watcher';
import type { FileChange } from '@remote-claude/contract';

import type { Log } from '../parts.js';

export interface WatchListener {
  /** `overflow`: there was more than is listed, so look again. */
  onChanges(changes: readonly FileChange[], overflow: boolean): void;
  /** Changes are no longer seen, and why. */
  onLost(reason: string): void;
}

export interface FilesWatch {
  /** Resolves when changes are seen from now on; what was before must be read. Returns the unsubscribe function. */
  subscribe(listener: WatchListener): Promise<() => void>;
  close(): Promise<void>;
}

const maxChanges = 1_000;
/** Git's own files and installed packages change by the thousand, and nobody has them open. The folders themselves are seen. */
const ignore = ['**/.git/*', '**/node_modules/*', '**/.rc-save-*'];
const lostReason = (error: unknown): string =>
  /No space left|too many|limit/i.test(String(error))
    ? 'This machine watches as many files as it allows (fs.inotify.max_user_watches), so changes on disk are not shown by themselves. Reload the tree to see them.'
    : 'Changes on disk cannot be watched, so they are not shown by themselves. Reload the tree to see them.';

export const createFilesWatch = (workspace: string, log: Log): FilesWatch => {
  const listeners = new Set<WatchListener>();
  let running: Promise<watcher.AsyncSubscription> | null = null;
  let closed = false;

  const lost = (error: unknown): void => {
    running = null;
    log('warn', 'the work tree cannot be watched', { error: String(error) });
    for (const listener of listeners) listener.onLost(lostReason(error));
  };

  const onEvents = (error: Error | null, events: watcher.Event[]): void => {
    if (error) return lost(error);
    const changes = events.slice(0, maxChanges).map((event): FileChange => ({
      path: relative(workspace, event.path).split(sep).join('/'),
      change: event.type === 'delete' ? 'gone' : 'there',
    }));
    for (const listener of listeners) listener.onChanges(changes, events.length > maxChanges);
  };

  const start = async (): Promise<void> => {
    running ??= watcher.subscribe(workspace, onEvents, { ignore });
    try {
      await running;
    } catch (error) {
      lost(error);
    }
  };

  const stop = async (): Promise<void> => {
    const stopping = running;
    running = null;
    const subscription = await stopping?.catch(() => null);
    await subscription
      ?.unsubscribe()
      .catch((error: unknown) => log('warn', 'watching did not end', { error: String(error) }));
  };

  return {
    async subscribe(listener) {
      listeners.add(listener);
      await start();
      return () => {
        listeners.delete(listener);
        if (listeners.size === 0 && !closed) void stop();
      };
    },
    async close() {
      closed = true;
      listeners.clear();
      await stop();
    },
  };
};

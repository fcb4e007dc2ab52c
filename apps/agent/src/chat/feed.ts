/** Passing messages for whoever watches now. It keeps none of them. */
import type { OpenBlock, ServerMessage } from '@remote-claude/contract';

import type { ChatFeed } from '../parts.js';

export interface Feed extends ChatFeed {
  publish(message: ServerMessage): void;
}

export const createFeed = (openBlocks: () => readonly OpenBlock[]): Feed => {
  const listeners = new Set<(message: ServerMessage) => void>();
  return {
    subscribe: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    publish: (message) => {
      for (const listener of listeners) listener(message);
    },
    openBlocks,
  };
};

/**
 * The chat's passing messages for one socket. One that does not keep up gets no more of them; when it has, it gets each open
 * block as it is then. It does not know the chat beyond its feed.
 */
import type { BlockId, ServerMessage } from '@remote-claude/contract';

import type { ChatFeed } from '../parts.js';
import type { Connection } from './connection.js';

export interface ChatRelay {
  /** Begins with the open blocks; a repeat begins anew. */
  start(id: string): void;
  stop(): void;
}

export const createChatRelay = (chat: ChatFeed, connection: Connection): ChatRelay => {
  /** Blocks that the other end shows as open. */
  const shown = new Set<BlockId>();
  let unsubscribe: (() => void) | null = null;
  let behind = false;

  const sendSnapshot = (id: string): void => {
    const open = chat.openBlocks();
    const now = new Set(open.map((block) => block.blockId));
    for (const blockId of shown) {
      if (!now.has(blockId)) connection.send({ id, type: 'block-dropped', payload: { blockId } });
    }
    shown.clear();
    for (const block of open) {
      shown.add(block.blockId);
      connection.send({ id, type: 'open-block', payload: block });
    }
  };

  const relay = (message: ServerMessage): void => {
    // What ends a turn is rare and small: it goes in any case.
    if (message.type !== 'claude-complete' && (behind ||= !connection.roomy())) return;
    if (message.type === 'claude-stream' || message.type === 'open-block') shown.add(message.payload.blockId);
    if (message.type === 'block-dropped') shown.delete(message.payload.blockId);
    connection.send(message);
  };

  connection.onDrained(() => {
    if (!behind || !unsubscribe) return;
    behind = false;
    sendSnapshot('');
  });

  return {
    start(id) {
      unsubscribe ??= chat.subscribe(relay);
      behind = false;
      sendSnapshot(id);
    },
    stop() {
      unsubscribe?.();
      unsubscribe = null;
      shown.clear();
    },
  };
};

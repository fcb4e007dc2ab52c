// The blocks that Claude is writing now, each with its text so far. Pure: it knows live messages and durable events.

import type { OpenBlock, ServerMessageOf, SessionEvent } from '@remote-claude/contract';

type Delta = ServerMessageOf<'claude-stream'>['payload'];

/** Characters of all open blocks: each first load brings them. What is beyond is dropped until its final event. */
const maxLength = 500_000;
const maxBlocks = 200;
const rememberedFinals = 500;

export interface OpenBlocks {
  all(): OpenBlock[];
  get(blockId: string): OpenBlock | undefined;
  /** A snapshot; false where the block is final already, so that nobody should be shown it. */
  put(block: OpenBlock): boolean;
  /** `gap`: text before it is missing, so a snapshot is needed. `ignored`: nobody should be shown it. */
  add(delta: Delta): 'added' | 'gap' | 'ignored';
  drop(blockId: string): void;
  /** A durable event: the block that it is final for is no longer open. */
  settle(event: SessionEvent): void;
  /** All ids, which are open no more. */
  clear(): string[];
}

export const createOpenBlocks = (): OpenBlocks => {
  const blocks = new Map<string, OpenBlock>();
  // Deltas travel on another line than events and may come after the event that ends their block.
  const finals = new Set<string>();

  let length = 0;

  const remove = (blockId: string): void => {
    length -= blocks.get(blockId)?.text.length ?? 0;
    blocks.delete(blockId);
  };
  const settleBlock = (blockId: string): void => {
    remove(blockId);
    finals.add(blockId);
    for (const oldest of finals) {
      if (finals.size <= rememberedFinals) break;
      finals.delete(oldest);
    }
  };

  return {
    all: () => [...blocks.values()],
    get: (blockId) => blocks.get(blockId),
    put(block) {
      if (finals.has(block.blockId) || (!blocks.has(block.blockId) && blocks.size >= maxBlocks)) return false;
      length -= blocks.get(block.blockId)?.text.length ?? 0;
      const text = block.text.slice(0, maxLength - length);
      length += text.length;
      blocks.set(block.blockId, { ...block, text });
      return true;
    },
    add(delta) {
      const { blockId, turnId, tool, parentToolUseId, offset, content } = delta;
      if (finals.has(blockId)) return 'ignored';
      const block = blocks.get(blockId);
      if (block === undefined && blocks.size >= maxBlocks) return 'ignored';
      const text = block?.text ?? '';
      if (offset > text.length) return length >= maxLength ? 'ignored' : 'gap';
      // Text only grows, so that one more word costs no copy of what there is.
      const more = content.slice(text.length - offset);
      if (length + more.length > maxLength) return 'ignored';
      length += more.length;
      const kind = delta.type === 'code' ? 'text' : delta.type;
      blocks.set(blockId, { turnId, blockId, kind, tool, parentToolUseId, text: text + more });
      return 'added';
    },
    drop: remove,
    settle(event) {
      if (event.type === 'text' || event.type === 'thinking' || event.type === 'block.interrupted')
        settleBlock(event.blockId);
      if (event.type === 'turn.ended') {
        for (const block of blocks.values()) if (block.turnId === event.turnId) settleBlock(block.blockId);
      }
    },
    clear() {
      const ids = [...blocks.keys()];
      blocks.clear();
      length = 0;
      return ids;
    },
  };
};

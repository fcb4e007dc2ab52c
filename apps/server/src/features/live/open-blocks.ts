// The blocks that Claude is writing, as told by the agent: what a late viewer needs first. It knows no viewer.

import type { NumberedEvent, OpenBlock, ServerMessage } from '@remote-claude/contract';

// More than the agent ever sends of one answer; a session's claims do not fill the server.
const maxBlocks = 50;
const maxTextUnits = 2_000_000;

export const createOpenBlocks = () => {
  const blocks = new Map<string, OpenBlock>();

  const append = (message: Extract<ServerMessage, { type: 'claude-stream' }>): boolean => {
    const { payload } = message;
    const known = blocks.get(payload.blockId);
    const before = known?.text ?? '';
    // A gap would show a wrong text: better none, until the final block comes.
    if (payload.offset > before.length || before.length + payload.content.length > maxTextUnits) return false;
    if (known === undefined && blocks.size >= maxBlocks) return false;
    const { turnId, blockId, tool, parentToolUseId } = payload;
    const kind = payload.type === 'code' ? 'text' : payload.type;
    blocks.set(blockId, { turnId, blockId, kind, tool, parentToolUseId, text: before.slice(0, payload.offset) + payload.content });
    return true;
  };

  return {
    all: (): OpenBlock[] => [...blocks.values()],
    clear: (): void => blocks.clear(),
    /** Whether viewers should get this message. */
    take(message: ServerMessage): boolean {
      if (message.type === 'claude-stream') return append(message);
      if (message.type === 'open-block' && blocks.size < maxBlocks) blocks.set(message.payload.blockId, message.payload);
      if (message.type === 'block-dropped') blocks.delete(message.payload.blockId);
      return true;
    },
    /** A final event takes the place of its open block, and a turn's end of all of its blocks. */
    settle({ event }: NumberedEvent): void {
      if (event.type === 'text' || event.type === 'thinking' || event.type === 'block.interrupted') blocks.delete(event.blockId);
      if (event.type !== 'turn.ended') return;
      for (const block of blocks.values()) if (block.turnId === event.turnId) blocks.delete(block.blockId);
    },
  };
};
export type OpenBlocks = ReturnType<typeof createOpenBlocks>;

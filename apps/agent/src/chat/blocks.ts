/**
 * The blocks that are being written: what streams of them is published, and each ends in exactly one way:
 * it is final, it is dropped because Claude begins it anew, or it is interrupted with what had come of it.
 * It knows the Messages API's stream events and nothing of turns, tools or the log.
 */
import type { BlockId, OpenBlock, ServerMessage, TurnId } from '@remote-claude/contract';

import { createFenceScanner, type FenceScanner } from './fence.js';

/** The part of a stream event that matters here; the SDK's own type has some thirty kinds of delta. */
export interface StreamEvent {
  type: string;
  index?: number;
  message?: { id: string };
  content_block?: { type: string; name?: string };
  delta?: { type?: string; text?: string; thinking?: string; partial_json?: string };
}

type Kind = OpenBlock['kind'];

export interface Blocks {
  /** The blocks of `parent`'s stream; null is the main conversation. */
  onStreamEvent(event: StreamEvent, turnId: TurnId, parent: string | null): void;
  /** A block came whole: its id, which is that of the open block where there is one. */
  finish(messageId: string, kind: Kind, parent: string | null): BlockId;
  /** The line broke and Claude begins again. What was cut is kept aside in case nothing better comes. */
  dropOpen(parent: string | null): void;
  /** What was left unfinished, taken out; also what a broken line cut when no new answer came. */
  takeUnfinished(scope: 'main' | 'all'): OpenBlock[];
  open(): readonly OpenBlock[];
  /** As `takeUnfinished` would give them. */
  unfinished(): OpenBlock[];
}

interface Streaming extends OpenBlock {
  messageId: string;
  index: number;
  fence: FenceScanner;
}
interface Stream {
  messageId: string;
  /** Whole blocks of this message so far: the index of the next where none is open. */
  finished: number;
  streaming: Map<number, Streaming>;
  /** Cut by a broken line; forgotten when the next block of the stream is final. */
  cut: OpenBlock[];
}

export interface BlocksDeps {
  publish(message: ServerMessage): void;
  /** An open block grew or is gone. */
  onChange(): void;
}

const kinds: Readonly<Record<string, Kind>> = { text: 'text', thinking: 'thinking', tool_use: 'tool' };

const blockIdOf = (messageId: string, index: number): BlockId => `${messageId}:${index}`.slice(0, 160) as BlockId;

export const createBlocks = ({ publish, onChange }: BlocksDeps): Blocks => {
  const streams = new Map<string | null, Stream>();

  const streamOf = (parent: string | null, messageId: string): Stream => {
    const known = streams.get(parent);
    if (known?.messageId === messageId) return known;
    const stream: Stream = { messageId, finished: 0, streaming: new Map(), cut: known?.cut ?? [] };
    streams.set(parent, stream);
    return stream;
  };

  const remove = (stream: Stream, block: Streaming): void => {
    stream.streaming.delete(block.index);
    onChange();
  };

  const drop = (stream: Stream): void => {
    const begun = [...stream.streaming.values()];
    for (const block of begun) {
      publish({ id: '', type: 'block-dropped', payload: { blockId: block.blockId } });
      remove(stream, block);
    }
    stream.cut = longer(stream.cut, begun.filter(({ kind }) => kind !== 'tool').map(plain));
  };

  const begin = (event: StreamEvent, turnId: TurnId, parent: string | null): void => {
    const stream = streams.get(parent);
    const kind = kinds[event.content_block?.type ?? ''];
    if (stream === undefined || kind === undefined) return;
    const index = event.index ?? 0;
    const blockId = blockIdOf(stream.messageId, index);
    const tool = kind === 'tool' ? (event.content_block?.name ?? null) : null;
    const block: Streaming = {
      turnId,
      blockId,
      kind,
      tool,
      parentToolUseId: parent,
      text: '',
      messageId: stream.messageId,
      index,
      fence: createFenceScanner(),
    };
    stream.streaming.set(index, block);
    onChange();
  };

  const grow = (block: Streaming, more: string): void => {
    const { turnId, blockId, tool, parentToolUseId, kind } = block;
    const pieces = kind === 'text' ? block.fence.push(more) : [{ type: kind, content: more }];
    for (const { type, content } of pieces) {
      const offset = block.text.length;
      block.text += content;
      publish({
        id: '',
        type: 'claude-stream',
        payload: { turnId, blockId, type, tool, parentToolUseId, offset, content },
      });
    }
    onChange();
  };

  return {
    onStreamEvent: (event, turnId, parent) => {
      switch (event.type) {
        case 'message_start': {
          const known = streams.get(parent);
          if (known !== undefined) drop(known);
          const messageId = event.message?.id ?? '';
          // A repeated answer may carry the same id: its blocks count from the beginning again.
          streams.set(parent, { messageId, finished: 0, streaming: new Map(), cut: known?.cut ?? [] });
          return;
        }
        case 'content_block_start':
          return begin(event, turnId, parent);
        case 'content_block_delta': {
          const block = streams.get(parent)?.streaming.get(event.index ?? 0);
          const more = event.delta?.text ?? event.delta?.thinking ?? event.delta?.partial_json ?? '';
          if (block !== undefined && more !== '') grow(block, more);
          return;
        }
        default:
      }
    },
    finish: (messageId, kind, parent) => {
      const stream = streamOf(parent, messageId);
      stream.cut = [];
      const block = [...stream.streaming.values()].find((candidate) => candidate.kind === kind);
      const index = block?.index ?? stream.finished;
      stream.finished = index + 1;
      if (block === undefined) return blockIdOf(messageId, index);
      // A text's final event replaces its open block; a tool's call has no block id, so its block goes by itself.
      if (kind === 'tool') publish({ id: '', type: 'block-dropped', payload: { blockId: block.blockId } });
      remove(stream, block);
      return block.blockId;
    },
    dropOpen: (parent) => {
      const stream = streams.get(parent);
      if (stream !== undefined) drop(stream);
    },
    takeUnfinished: (scope) => {
      const ended = [...streams].filter(([parent]) => scope === 'all' || parent === null);
      for (const [parent] of ended) streams.delete(parent);
      if (ended.length > 0) onChange();
      return ended.flatMap(([, stream]) => unfinishedOf(stream));
    },
    unfinished: () => [...streams.values()].flatMap(unfinishedOf),
    open: () => [...streams.values()].flatMap(({ streaming }) => [...streaming.values()].map(plain)),
  };
};

const unfinishedOf = ({ cut, streaming }: Stream): OpenBlock[] =>
  longer(cut, [...streaming.values()].map(plain)).filter(({ text }) => text !== '');

/** Of the same answer, begun twice: what more came of. The later one where it is as much. */
const longer = (before: OpenBlock[], after: OpenBlock[]): OpenBlock[] =>
  lengthOf(after) >= lengthOf(before) ? after : before;
const lengthOf = (blocks: readonly OpenBlock[]): number => blocks.reduce((sum, { text }) => sum + text.length, 0);

const plain = ({ turnId, blockId, kind, tool, parentToolUseId, text }: OpenBlock): OpenBlock => ({
  turnId,
  blockId,
  kind,
  tool,
  parentToolUseId,
  text,
});

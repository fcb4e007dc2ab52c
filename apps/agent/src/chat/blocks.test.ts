import type { ServerMessage, TurnId } from '@remote-claude/contract';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { createBlocks, type Blocks } from './blocks.js';
import { createFenceScanner } from './fence.js';

const turnId = '00000000-0000-4000-8000-000000000001' as TurnId;

const create = () => {
  const published: ServerMessage[] = [];
  const blocks = createBlocks({ publish: (message) => void published.push(message), onChange: () => undefined });
  return { blocks, published };
};
const begin = (blocks: Blocks, messageId: string): void =>
  blocks.onStreamEvent({ type: 'message_start', message: { id: messageId } }, turnId, null);
const block = (blocks: Blocks, index: number, type: string, ...texts: string[]): void => {
  blocks.onStreamEvent({ type: 'content_block_start', index, content_block: { type, name: 'Bash' } }, turnId, null);
  for (const text of texts) blocks.onStreamEvent({ type: 'content_block_delta', index, delta: { text } }, turnId, null);
};
const streamed = (published: readonly ServerMessage[]) =>
  published.flatMap((message) => (message.type === 'claude-stream' ? [message.payload] : []));
const dropped = (published: readonly ServerMessage[]) =>
  published.flatMap((message) => (message.type === 'block-dropped' ? [message.payload.blockId] : []));

describe('blocks', () => {
  it('streams with offsets under the id that the final block has', () => {
    const { blocks, published } = create();
    begin(blocks, 'm');
    block(blocks, 0, 'thinking', 'Hm ', '🙂');
    expect(blocks.finish('m', 'thinking', null)).toBe('m:0');
    block(blocks, 1, 'text', 'Hello ', 'there');
    expect(blocks.open().map(({ text }) => text)).toEqual(['Hello there']);
    expect(blocks.finish('m', 'text', null)).toBe('m:1');
    expect(streamed(published).map(({ blockId, offset, content }) => [blockId, offset, content])).toEqual([
      ['m:0', 0, 'Hm '],
      ['m:0', 3, '🙂'],
      ['m:1', 0, 'Hello '],
      ['m:1', 6, 'there'],
    ]);
    expect(dropped(published)).toEqual([]);
    expect(blocks.open()).toEqual([]);
    expect(blocks.takeUnfinished('all')).toEqual([]);
  });

  it('counts blocks that came without a stream', () => {
    const { blocks } = create();
    expect(['thinking', 'text', 'tool'].map((kind) => blocks.finish('m', kind as 'text', null))).toEqual([
      'm:0',
      'm:1',
      'm:2',
    ]);
    expect(blocks.finish('n', 'text', null)).toBe('n:0');
  });

  it('drops the block of a tool call when the call is known', () => {
    const { blocks, published } = create();
    begin(blocks, 'm');
    block(blocks, 0, 'tool_use', '{"command":');
    expect(blocks.open()[0]).toMatchObject({ kind: 'tool', tool: 'Bash', text: '{"command":' });
    blocks.finish('m', 'tool', null);
    expect(dropped(published)).toEqual(['m:0']);
  });

  it('drops what a broken line cut when the answer begins anew, whatever its id', () => {
    const { blocks, published } = create();
    begin(blocks, 'm');
    block(blocks, 0, 'text', 'one two');
    blocks.onStreamEvent({ type: 'content_block_stop', index: 0 }, turnId, null);
    blocks.onStreamEvent({ type: 'message_stop' }, turnId, null);
    expect(blocks.open()).toHaveLength(1);
    begin(blocks, 'm');
    expect(dropped(published)).toEqual(['m:0']);
    block(blocks, 0, 'text', 'one two three');
    expect(blocks.finish('m', 'text', null)).toBe('m:0');
    expect(blocks.takeUnfinished('all')).toEqual([]);
  });

  it('keeps what a broken line cut when nothing better came', () => {
    const { blocks } = create();
    begin(blocks, 'm');
    block(blocks, 0, 'text', 'one two');
    blocks.dropOpen(null);
    expect(blocks.open()).toEqual([]);
    expect(blocks.takeUnfinished('all').map(({ text }) => text)).toEqual(['one two']);
  });

  it('keeps one of the beginnings of an answer that is begun again and again: the one with most of it', () => {
    const { blocks } = create();
    for (const [text, longest] of [
      ['one two', 'one two'],
      ['one two three', 'one two three'],
      ['one', 'one two three'],
    ] as const) {
      begin(blocks, 'm');
      block(blocks, 0, 'text', text);
      expect(blocks.unfinished().map((one) => one.text)).toEqual([longest]);
      blocks.dropOpen(null);
      // Also while Claude Code waits before it asks again, and nothing streams.
      expect(blocks.unfinished().map((one) => one.text)).toEqual([longest]);
    }
    begin(blocks, 'm');
    expect(blocks.takeUnfinished('all').map((one) => one.text)).toEqual(['one two three']);
    expect(blocks.unfinished()).toEqual([]);
  });

  it('tells the main conversation and subagents apart', () => {
    const { blocks } = create();
    begin(blocks, 'm');
    block(blocks, 0, 'text', 'main');
    blocks.onStreamEvent({ type: 'message_start', message: { id: 's' } }, turnId, 'toolu_1');
    blocks.onStreamEvent({ type: 'content_block_start', index: 0, content_block: { type: 'text' } }, turnId, 'toolu_1');
    blocks.onStreamEvent({ type: 'content_block_delta', index: 0, delta: { text: 'sub' } }, turnId, 'toolu_1');
    expect(blocks.open().map(({ parentToolUseId }) => parentToolUseId)).toEqual([null, 'toolu_1']);
    expect(blocks.takeUnfinished('main').map(({ text }) => text)).toEqual(['main']);
    expect(blocks.open().map(({ text }) => text)).toEqual(['sub']);
  });
});

describe('the fence scanner', () => {
  const typed = (...chunks: string[]): string => {
    const scanner = createFenceScanner();
    return chunks
      .flatMap((chunk) => scanner.push(chunk))
      .map(({ type, content }) => `${type === 'code' ? '#' : '.'}${content}`)
      .join('|');
  };

  it.each([
    [['a\n```js\nx\n```\nb'], '.a\n|#```js\nx\n```\n|.b'],
    [['a\n``', '`js\nx', '\n```', '\nb'], '.a\n``|#`js\nx|#\n```|#\n|.b'],
    [['~~~\n```\n~~~\nb'], '#~~~\n```\n~~~\n|.b'],
    [['````\n```\n````\nb'], '#````\n```\n````\n|.b'],
    [['no `code` here\n    ``` neither\n'], '.no `code` here\n    ``` neither\n'],
  ])('%j', (chunks, wanted) => {
    expect(typed(...chunks)).toBe(wanted);
  });

  it('never loses or adds a character, however the text is cut', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: fc.constantFrom('`', '~', '\n', ' ', 'a', '🙂') })), (chunks) => {
        const scanner = createFenceScanner();
        const out = chunks.filter((chunk) => chunk !== '').flatMap((chunk) => scanner.push(chunk));
        expect(out.map(({ content }) => content).join('')).toBe(chunks.join(''));
      }),
    );
  });
});

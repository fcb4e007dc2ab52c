// How much the open blocks of a session can hold.

import type { OpenBlock, TurnId } from '@remote-claude/contract';
import { expect, test } from 'vitest';

import { createOpenBlocks } from './open-blocks.js';

const turnId = crypto.randomUUID() as TurnId;
const base = { turnId, tool: null, parentToolUseId: null };
const delta = (blockId: string, offset: number, content: string) => ({
  ...base,
  blockId: blockId as never,
  type: 'text' as const,
  offset,
  content,
});
const heldBy = (blocks: OpenBlock[]): number => blocks.reduce((sum, { text }) => sum + text.length, 0);

test('all blocks together have a ceiling, and what ends makes room', () => {
  const blocks = createOpenBlocks();
  const piece = 'x'.repeat(10_000);
  for (let block = 0; block < 100; block += 1) {
    for (let n = 0; n < 10; n += 1) blocks.add(delta(`b:${block}`, n * piece.length, piece));
    blocks.put({ ...base, blockId: `s:${block}` as never, kind: 'text', text: piece.repeat(10) });
  }
  expect(heldBy(blocks.all())).toBe(500_000);
  // Nothing is asked for again that there would be no room for.
  expect(blocks.add(delta('b:9', 50, 'more'))).toBe('ignored');
  blocks.drop('b:0');
  expect(blocks.add(delta('later', 0, piece))).toBe('added');
  expect(blocks.clear().length).toBeGreaterThan(0);
  expect(blocks.add(delta('later', 0, piece.repeat(50)))).toBe('added');
});

test('what comes twice is held once', () => {
  const blocks = createOpenBlocks();
  expect(blocks.add(delta('b', 0, 'Hello'))).toBe('added');
  expect(blocks.add(delta('b', 2, 'llo, wor'))).toBe('added');
  expect(blocks.add(delta('b', 10, 'ld'))).toBe('added');
  expect(blocks.get('b')?.text).toBe('Hello, world');
  expect(blocks.add(delta('b', 20, '!'))).toBe('gap');
});

import { agentEvent, maxEventBytes, maxInlineText } from '@remote-claude/contract';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { beginning, boundedInput, boundedText } from './bounded.js';

const none = (): null => null;
const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

describe('bounded text', () => {
  it('leaves a short text whole', () => {
    expect(boundedText('häuser', none)).toEqual({ text: 'häuser', bytes: 7 });
  });

  it('names the blob of a long text, and says where there is none', () => {
    const long = 'x'.repeat(50_000);
    expect(boundedText(long, () => 'a'.repeat(64))).toEqual({
      text: 'x'.repeat(maxInlineText),
      bytes: 50_000,
      blob: 'a'.repeat(64),
    });
    expect(boundedText(long, none)).toMatchObject({ bytes: 50_000, cut: true });
  });

  it('never cuts a character in two', () => {
    const text = `${'x'.repeat(maxInlineText - 1)}🙂`;
    expect(boundedText(text, none).text).toBe('x'.repeat(maxInlineText - 1));
    expect(beginning('a🙂', 2)).toBe('a');
  });

  it('fits into an event whatever it consists of', () => {
    const unit = fc.constantFrom('x', 'ä', '漢', '🙂', '\u0001', '"', '\\', '\u001b');
    fc.assert(
      fc.property(
        fc.string({ unit, minLength: 1, maxLength: 8 }),
        fc.integer({ min: 1, max: 20_000 }),
        (piece, times) => {
          const bounded = boundedText(piece.repeat(times), none);
          const event = {
            type: 'text',
            turnId: '00000000-0000-4000-8000-000000000001',
            blockId: 'm:0',
            text: bounded,
            parentToolUseId: null,
          };
          expect(agentEvent.safeParse(event).success).toBe(true);
          expect(bytesOf(event)).toBeLessThan(maxEventBytes);
        },
      ),
    );
  });
});

describe('a bounded input', () => {
  it('leaves a small one as it is', () => {
    expect(boundedInput({ command: 'ls' }, none)).toEqual({ input: { command: 'ls' } });
  });

  it('cuts long strings and says how much is missing', () => {
    const whole = { file_path: '/a', content: 'x'.repeat(100_000) };
    const kept: string[] = [];
    const { input, wholeInput } = boundedInput(whole, (text) => {
      kept.push(text);
      return 'a'.repeat(64);
    });
    expect(wholeInput).toEqual({ bytes: bytesOf(whole), blob: 'a'.repeat(64) });
    expect(kept.map((text) => JSON.parse(text) as unknown)).toEqual([whole]);
    expect(boundedInput(whole, none).wholeInput).toEqual({ bytes: bytesOf(whole) });
    expect(input['file_path']).toBe('/a');
    expect(input['content']).toMatch(/^x{8000}… \[92000 more characters\]$/);
  });

  it('fits into an event whatever it is', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 8 }), fc.integer({ min: 1, max: 30_000 }), (value, times) => {
        const { input } = boundedInput(
          { value, edits: Array.from({ length: 60 }, () => ({ text: '\u0001'.repeat(times) })) },
          none,
        );
        expect(bytesOf(input)).toBeLessThanOrEqual(40 * 1024);
      }),
      { numRuns: 50 },
    );
    expect(boundedInput('no object', none).input).toEqual({ value: 'no object' });
  });
});

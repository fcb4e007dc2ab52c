import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { ansiSpans } from './ansi';
import { colouredSpans, piecesOf, plainSpans } from './long-text';
import { diffCounts, diffLines } from './diff';
import { clock, count, duration, money } from './time';
import { viewTool } from './tool-view';

describe('diffLines', () => {
  const text = fc
    .array(fc.constantFrom('a', 'b', 'c', ''), { maxLength: 12 })
    .map((lines) => lines.map((line) => `${line}\n`).join(''));
  it('holds both texts, line for line', () => {
    fc.assert(
      fc.property(text, text, (before, after) => {
        const lines = diffLines(before, after);
        const side = (gone: 'add' | 'del') =>
          lines
            .filter(({ kind }) => kind !== gone)
            .map(({ text: line }) => `${line}\n`)
            .join('');
        expect([side('add'), side('del')]).toEqual([before, after]);
      }),
    );
  });
  it('is the smallest for a changed line', () => {
    expect(diffCounts(diffLines('a\nb\nc\n', 'a\nB\nc\n'))).toEqual({ added: 1, removed: 1 });
    expect(diffLines('a\nb\nc', 'a\nc').map(({ kind, before, after }) => [kind, before, after])).toEqual([
      ['same', 1, 1],
      ['del', 2, null],
      ['same', 3, 2],
    ]);
  });
});

describe('ansiSpans', () => {
  it('takes colours and weight, and leaves out every other escape', () => {
    expect(ansiSpans('\u001b[1;31mred\u001b[0m \u001b]0;title\u0007\u001b[2Kplain')).toEqual([
      { text: 'red', color: 'var(--ansi-red)', bold: true, dim: false },
      { text: ' ', color: null, bold: false, dim: false },
      { text: 'plain', color: null, bold: false, dim: false },
    ]);
  });
  it('knows the 256 and the 24 bit colours', () => {
    expect(ansiSpans('\u001b[38;5;196ma\u001b[38;2;1;2;3mb').map(({ color }) => color)).toEqual([
      'rgb(255 0 0)',
      'rgb(1 2 3)',
    ]);
  });
  it('shows what a progress line was last', () => {
    expect(
      ansiSpans('10%\r50%\r100%\r\ndone')
        .map(({ text }) => text)
        .join(''),
    ).toBe('100%\ndone');
  });
  it('never shows an escape or a control character, whatever comes', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('\u001b', '[', ']', '3', '1', 'm', ';', 'x', '\u0007', '\b', '\r', '\n') }),
        (raw) => {
          const shown = ansiSpans(raw)
            .map(({ text }) => text)
            .join('');
          expect(shown.split('').every((char) => char === '\n' || char === '\t' || char >= ' ')).toBe(true);
        },
      ),
    );
  });
});

describe('amounts', () => {
  it('read as people say them', () => {
    expect([duration(420), duration(12_400), duration(185_000), duration(7_800_000)]).toEqual([
      '0.4 s',
      '12 s',
      '3 min 5 s',
      '2 h 10 min',
    ]);
    expect([clock(-5), clock(59_999), clock(61_000)]).toEqual(['0 s', '59 s', '1 min 1 s']);
    expect([count(812), count(12_400), count(312_000), count(1_250_000)]).toEqual(['812', '12.4k', '312k', '1.3M']);
    expect([money(0), money(0.0123), money(1.239)]).toEqual(['$0.00', '$0.012', '$1.24']);
  });
});

describe('viewTool', () => {
  it('takes nothing of an input for granted', () => {
    const input = fc.dictionary(
      fc.constantFrom('edits', 'file_path', 'command', 'old_string', 'content', 'plan', 'url', 'offset'),
      fc.anything(),
    );
    const name = fc.constantFrom(
      'Edit',
      'MultiEdit',
      'Write',
      'Bash',
      'Read',
      'Grep',
      'WebFetch',
      'Task',
      'ExitPlanMode',
      'TodoWrite',
      'mcp__a__b',
    );
    fc.assert(
      fc.property(name, input, (tool, given) => {
        const view = viewTool(tool, given);
        for (const value of Object.values(view)) expect(['string', 'boolean', 'object']).toContain(typeof value);
        if (view.kind === 'edit')
          expect(view.edits.every(({ before, after }) => typeof before === 'string' && typeof after === 'string')).toBe(
            true,
          );
      }),
    );
  });
});

describe('piecesOf', () => {
  const together = (pieces: ReturnType<typeof piecesOf>) =>
    pieces.flatMap(({ spans }) => spans.map(({ text }) => text)).join('');

  it('loses and adds nothing, breaks after lines, and never a character in two', () => {
    const line = fc.oneof(
      fc.string({ maxLength: 30 }),
      fc.integer({ min: 1, max: 20_000 }).map((times) => '🙂x'.repeat(times)),
      fc.integer({ min: 1, max: 3_000 }).map((times) => 'word\n'.repeat(times)),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 8 }), (lines) => {
        const text = lines.join('\n');
        const pieces = piecesOf(plainSpans(text));
        expect(together(pieces)).toBe(text);
        for (const [index, { spans }] of pieces.entries()) {
          const piece = spans.map((span) => span.text).join('');
          expect(piece.length).toBeLessThanOrEqual(32_000);
          if (index < pieces.length - 1 && piece.length < 31_999) expect(piece.endsWith('\n')).toBe(true);
          expect(piece).not.toMatch(/\p{Surrogate}/u);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('keeps colours through the pieces, and gives them up where they are too many', () => {
    const coloured = '\u001b[31mred\u001b[0m plain\n'.repeat(2_000);
    const pieces = piecesOf(colouredSpans(coloured));
    expect(pieces.length).toBeGreaterThan(1);
    expect(together(pieces)).toBe('red plain\n'.repeat(2_000));
    expect(pieces.at(-1)?.spans).toContainEqual({ text: 'red', color: 'var(--ansi-red)', bold: false, dim: false });
    expect(colouredSpans('\u001b[31mred\u001b[0m plain\n'.repeat(20_000))).toHaveLength(1);
  });
});

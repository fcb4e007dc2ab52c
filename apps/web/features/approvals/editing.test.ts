import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { editableOf, editedInput } from './editing';

describe('what a person changes of an input', () => {
  it('is the one text that matters, and all else stays as Claude wrote it', () => {
    const input = { command: 'node a.js', description: 'Run it', timeout: 5 };
    expect(editableOf('Bash', input)).toMatchObject({ label: 'Command', text: 'node a.js', field: 'command' });
    expect(editedInput('Bash', input, 'node b.js').input).toEqual({ ...input, command: 'node b.js' });
    expect(editedInput('Edit', { old_string: 'a', new_string: 'b', replace_all: true }, 'c').input).toEqual({
      old_string: 'a',
      new_string: 'c',
      replace_all: true,
    });
  });
  it('left alone is the input, byte for byte, whatever its line ends', () => {
    const text = fc.array(fc.constantFrom('a', '\n', '\r\n', '\r', '"', '“', ' '), { maxLength: 10 });
    fc.assert(
      fc.property(
        text.map((parts) => parts.join('')),
        fc.constantFrom('Write', 'mcp__x__y'),
        (content, tool) => {
          const input = { file_path: 'x', content };
          const { text: shown } = editableOf(tool, input);
          // A form makes one line end of all.
          expect(shown.replace(/\r\n?/g, '\n')).toBe(shown);
          expect(editedInput(tool, input, shown).input).toEqual(input);
        },
      ),
    );
  });
  it('keeps the line ends of the file', () => {
    expect(editedInput('Write', { content: 'a\r\nb\r\n' }, 'a\nc\n').input).toEqual({ content: 'a\r\nc\r\n' });
  });
  it('is JSON for other tools, and says what is wrong with it', () => {
    const input = { query: 'x', nested: { a: 1 } };
    expect(editedInput('mcp__x__y', input, '{"query":"y"}').input).toEqual({ query: 'y' });
    expect(editedInput('mcp__x__y', input, '{"query":').error).toMatch(/not valid JSON/);
    for (const text of ['[]', 'null', '"x"', '7'])
      expect(editedInput('mcp__x__y', input, text).error).toMatch(/object/);
    // A tool's input may be anything that a model wrote.
    expect(editableOf('Bash', { command: 7 })).toMatchObject({ field: null, text: '{\n  "command": 7\n}' });
  });
  it('is refused where nothing would run, and where it does not fit', () => {
    expect(editedInput('Bash', { command: 'ls' }, ' \n').error).toMatch(/no command/);
    expect(editedInput('Write', { content: '' }, '').input).toEqual({ content: '' });
    expect(editedInput('Write', { content: '' }, 'é'.repeat(30_000)).error).toMatch(/too many/);
  });
});

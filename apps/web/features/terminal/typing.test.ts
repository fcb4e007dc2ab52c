import { describe, expect, it } from 'vitest';

import { nextName, shownTabs } from './tabs';
import { barKeyText, linesOf, pasteText, runsAtOnce, withCtrl } from './typing';

describe('typing', () => {
  it('makes control characters of what has one, and leaves the rest', () => {
    expect([withCtrl('c'), withCtrl('C'), withCtrl('['), withCtrl(' '), withCtrl('?')]).toEqual([
      '\u0003',
      '\u0003',
      '\u001b',
      '\u0000',
      '\u007f',
    ]);
    expect([withCtrl('1'), withCtrl('é'), withCtrl('ab'), withCtrl('\u001b[A')]).toEqual(['1', 'é', 'ab', '\u001b[A']);
  });

  it('sends arrows as the program asked for them', () => {
    expect([barKeyText('up', false), barKeyText('up', true), barKeyText('interrupt', true)]).toEqual([
      '\u001b[A',
      '\u001bOA',
      '\u0003',
    ]);
  });

  it('pastes nothing that could end the brackets or act as a key', () => {
    expect(pasteText('a\r\nb\u001b[201~rm\u0003\tc', true)).toBe('\u001b[200~a\rb[201~rm\tc\u001b[201~');
    expect(pasteText('a\u009b201~b', true)).toBe('\u001b[200~a201~b\u001b[201~');
  });

  it('asks before lines run, unless brackets hold them', () => {
    expect([runsAtOnce('ls', false), runsAtOnce('ls\n', false), runsAtOnce('a\nb', true)]).toEqual([
      false,
      true,
      false,
    ]);
    expect(linesOf('a\r\nb\n')).toEqual(['a', 'b']);
  });
});

describe('tabs', () => {
  it('shows what is being opened until the session knows it', () => {
    const known = { terminalId: 'a', name: 'one', cols: 80, rows: 24, ended: true, exitCode: 0, reason: null } as never;
    const tabs = shownTabs([known], [
      { terminalId: 'a', name: 'x' },
      { terminalId: 'b', name: 'two' },
    ] as never);
    expect(tabs.map(({ name, ended }) => [name, ended])).toEqual([
      ['one', true],
      ['two', false],
    ]);
  });

  it('takes the first free number', () => {
    expect(nextName(['Terminal 1', 'Terminal 3', 'build'])).toBe('Terminal 2');
  });
});

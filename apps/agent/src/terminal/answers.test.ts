import { expect, test } from 'vitest';

import { isAnswer } from './answers.js';

const isAnswerText = (text: string): boolean => isAnswer(Buffer.from(text, 'latin1'));

test('what emulators answer is known as such', () => {
  const answers = [
    '\u001b[?1;2c',
    '\u001b[>0;276;0c',
    '\u001b[24;80R',
    '\u001b[?24;80R',
    '\u001b[0n',
    '\u001b[?2026;2$y',
    '\u001b[8;24;80t',
    '\u001b]11;rgb:1e1e/1e1e/1e1e\u001b\\',
    '\u001b]4;1;rgb:cd/00/00\u0007',
    '\u001bP1$r0;1m\u001b\\',
    '\u001bP>|xterm.js(5.6.0)\u001b\\',
    '\u001bP1+r544e=787465726d\u001b\\',
    '\u001bP!|00000000\u001b\\',
  ];
  for (const text of [...answers, answers.join('')]) expect([text, isAnswerText(text)]).toEqual([text, true]);
});

test('what a person types is not, also where it is dressed as an answer', () => {
  const typed = [
    'ls\r',
    '\u001b',
    '\u001b[A',
    '\u001bOP',
    '\u001b[200~rm -rf .\u001b[201~',
    '\u001b[24;80R\r',
    '\u001b]11;touch x\r\u001b\\',
    ...['\r', '\n', '\u0003', '\u0004', '\u0016', '\u007f', '\u009c', '\u0000'].map(
      (control) => `\u001bP1${control}touch /tmp/x${control}\u001b\\`,
    ),
  ];
  for (const text of typed) expect([text, isAnswerText(text)]).toEqual([text, false]);
});

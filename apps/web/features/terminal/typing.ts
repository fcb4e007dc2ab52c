/** What keys and pasted text become as characters for a terminal. Pure. */

/** Keys of the bar that a phone lacks. */
export type BarKey = 'escape' | 'tab' | 'up' | 'down' | 'left' | 'right' | 'interrupt';

const arrows: Partial<Record<BarKey, string>> = { up: 'A', down: 'B', right: 'C', left: 'D' };

/** Arrows differ while a program has asked for application keys. */
export const barKeyText = (key: BarKey, applicationCursor: boolean): string => {
  const arrow = arrows[key];
  if (arrow !== undefined) return `\u001b${applicationCursor ? 'O' : '['}${arrow}`;
  return key === 'escape' ? '\u001b' : key === 'tab' ? '\t' : '\u0003';
};

/** A character with Ctrl held, as the bar's sticky key makes it; what has no such form stays as it is. */
export const withCtrl = (text: string): string => {
  if (text.length !== 1) return text;
  const code = text.toUpperCase().charCodeAt(0);
  if (code >= 0x40 && code <= 0x5f) return String.fromCharCode(code & 0x1f);
  return text === '?' ? '\u007f' : text === ' ' ? '\u0000' : text;
};

/** Line ends as the return key, and nothing in it that could end a bracketed paste early. */
export const pasteText = (text: string, bracketed: boolean): string => {
  const plain = text.replace(/\r\n?|\n/g, '\r').replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/g, '');
  return bracketed ? `\u001b[200~${plain}\u001b[201~` : plain;
};

/** Without brackets each line runs as it arrives: a person is asked first. */
export const runsAtOnce = (text: string, bracketed: boolean): boolean => !bracketed && /[\r\n]/.test(text);

export const linesOf = (text: string): string[] => text.replace(/(?:\r\n?|\n)$/, '').split(/\r\n?|\n/);

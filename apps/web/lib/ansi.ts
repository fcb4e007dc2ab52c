/** Coloured output of commands as spans. Only colours and weight are honoured; every other escape is left out. */

export interface AnsiSpan {
  text: string;
  /** A CSS colour, or null for the text's own. */
  color: string | null;
  bold: boolean;
  dim: boolean;
}

const names = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'] as const;

const indexed = (index: number): string | null => {
  if (index < 8) return `var(--ansi-${names[index] ?? 'white'})`;
  if (index < 16) return `var(--ansi-bright-${names[index - 8] ?? 'white'})`;
  if (index >= 232 && index <= 255) {
    const grey = 8 + (index - 232) * 10;
    return `rgb(${grey} ${grey} ${grey})`;
  }
  if (index > 255) return null;
  const cube = index - 16;
  const level = (part: number): number => (part === 0 ? 0 : 55 + part * 40);
  return `rgb(${level(Math.floor(cube / 36))} ${level(Math.floor(cube / 6) % 6)} ${level(cube % 6)})`;
};

type Style = Omit<AnsiSpan, 'text'>;
const plain: Style = { color: null, bold: false, dim: false };

const restyle = (style: Style, codes: number[]): Style => {
  let next = style;
  for (let at = 0; at < codes.length; at++) {
    const code = codes[at] ?? 0;
    if (code === 0) next = plain;
    else if (code === 1) next = { ...next, bold: true };
    else if (code === 2) next = { ...next, dim: true };
    else if (code === 22) next = { ...next, bold: false, dim: false };
    else if (code === 39) next = { ...next, color: null };
    else if (code >= 30 && code <= 37) next = { ...next, color: indexed(code - 30) };
    else if (code >= 90 && code <= 97) next = { ...next, color: indexed(code - 82) };
    else if ((code === 38 || code === 48) && codes[at + 1] === 5) {
      if (code === 38) next = { ...next, color: indexed(codes[at + 2] ?? 0) };
      at += 2;
    } else if ((code === 38 || code === 48) && codes[at + 1] === 2) {
      if (code === 38)
        next = { ...next, color: `rgb(${codes[at + 2] ?? 0} ${codes[at + 3] ?? 0} ${codes[at + 4] ?? 0})` };
      at += 4;
    }
  }
  return next;
};

const escape =
  /\u001b(?:\[([\d;:]*)([ -/]*[@-~])|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\-_])|[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g;

/** What a terminal would leave of each line that was overwritten by a carriage return. */
const overwritten = (text: string): string =>
  text
    .replace(/\r\n/g, '\n')
    .replace(/^.*\r(?!$)/gm, '')
    .replace(/\r/g, '');

export const ansiSpans = (raw: string): AnsiSpan[] => {
  const text = overwritten(raw);
  const spans: AnsiSpan[] = [];
  let style = plain;
  let from = 0;
  const push = (to: number): void => {
    if (to > from) spans.push({ text: text.slice(from, to), ...style });
  };
  for (const match of text.matchAll(escape)) {
    push(match.index);
    from = match.index + match[0].length;
    if (match[2] === 'm') style = restyle(style, (match[1] ?? '').split(/[;:]/).map(Number));
  }
  push(text.length);
  return spans;
};

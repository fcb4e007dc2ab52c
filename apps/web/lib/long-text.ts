/** A text of any length as pieces that can be laid out one by one. It does not know how they are drawn. */
import { ansiSpans, type AnsiSpan } from './ansi';

export interface Piece {
  spans: AnsiSpan[];
  /** About how many rows it takes; only its place on the scroll bar hangs on that. */
  rows: number;
}

const aimChars = 8_000;
/** A line longer than this is broken in two. */
const maxChars = 32_000;
/** More colours than this cost more than they say. */
const maxSpans = 20_000;
const charsPerRow = 110;

const plain = (text: string): AnsiSpan => ({ text, color: null, bold: false, dim: false });

/** Spans of an output that may be megabytes of changing colours. */
export const colouredSpans = (text: string): AnsiSpan[] => {
  const spans = ansiSpans(text);
  return spans.length <= maxSpans ? spans : [plain(spans.map((span) => span.text).join(''))];
};

export const plainSpans = (text: string): AnsiSpan[] => [plain(text)];

const isHighHalf = (code: number): boolean => code >= 0xd800 && code <= 0xdbff;

/** Where the piece ends that has `size` characters already, in a text that goes on from `at`. */
const endOf = (text: string, at: number, size: number): { end: number; isFull: boolean } => {
  if (size + text.length - at <= aimChars) return { end: text.length, isFull: false };
  const hard = at + maxChars - size;
  const newline = text.slice(at, hard).indexOf('\n', Math.max(0, aimChars - size - 1));
  if (newline >= 0) return { end: at + newline + 1, isFull: true };
  if (text.length < hard) return { end: text.length, isFull: false };
  return { end: isHighHalf(text.charCodeAt(hard - 1)) ? hard - 1 : hard, isFull: true };
};

/** The pieces together are the text; each but a very long line's ends with its line. */
export const piecesOf = (spans: readonly AnsiSpan[]): Piece[] => {
  const pieces: Piece[] = [];
  let current: AnsiSpan[] = [];
  let size = 0;
  const close = (): void => {
    if (current.length === 0) return;
    const lines = current.reduce((sum, { text }) => sum + text.split('\n').length - 1, 0);
    pieces.push({ spans: current, rows: Math.max(1, lines, Math.ceil(size / charsPerRow)) });
    current = [];
    size = 0;
  };
  for (const span of spans) {
    for (let at = 0; at < span.text.length;) {
      const { end, isFull } = endOf(span.text, at, size);
      if (end > at) current.push({ ...span, text: span.text.slice(at, end) });
      size += end - at;
      at = end;
      if (isFull) close();
    }
  }
  close();
  return pieces;
};

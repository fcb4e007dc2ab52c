/** Files of lines, each of which is JSON: read line by line, and written from pieces that end anywhere. */
import { AppError } from '@remote-claude/contract';

/** Of one line. A picture in a message is one. */
const maxLineBytes = 64 * 1024 * 1024;
const newline = 0x0a;

export interface LineCutter {
  /** The lines that this piece completes, each with its newline. */
  cut(piece: Buffer): Buffer[];
}

export const createLineCutter = (): LineCutter => {
  let parts: Buffer[] = [];
  let held = 0;
  return {
    cut: (piece) => {
      const lines: Buffer[] = [];
      let from = 0;
      for (let at = piece.indexOf(newline); at >= 0; at = piece.indexOf(newline, from)) {
        lines.push(Buffer.concat([...parts, piece.subarray(from, at + 1)]));
        parts = [];
        held = 0;
        from = at + 1;
      }
      if (from === piece.length) return lines;
      parts.push(Buffer.from(piece.subarray(from)));
      held += piece.length - from;
      if (held > maxLineBytes) throw new AppError('payload_too_large');
      return lines;
    },
  };
};

/** Each with its newline. What a crash left without one is no line. */
export async function* linesOf(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const cutter = createLineCutter();
  for await (const chunk of source) yield* cutter.cut(chunk);
}

/** Null for what is no object. */
export const parsed = (line: Buffer): Record<string, unknown> | null => {
  try {
    const value: unknown = JSON.parse(line.toString());
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
};

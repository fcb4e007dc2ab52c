/**
 * Splits streamed Markdown into prose and code. A fence is three or more backticks or tildes at the beginning of a line;
 * the fence's own lines count as code. It only decides how passing text is shown: the final text has no such marks.
 */
export interface Piece {
  type: 'text' | 'code';
  content: string;
}

export interface FenceScanner {
  /** The pieces of the next chunk; together they are the chunk. */
  push(chunk: string): Piece[];
}

const fenceLine = /^ {0,3}(`{3,}|~{3,})/;
const longestPrefix = 64;

export const createFenceScanner = (): FenceScanner => {
  /** The beginning of the line that is being written. */
  let line = '';
  /** The marks that opened the fence we are in; null outside. */
  let opened: string | null = null;
  /** The current line is a fence itself. */
  let isFence = false;

  const typeOfLine = (): Piece['type'] => {
    const marks = fenceLine.exec(line)?.[1];
    if (marks !== undefined && !isFence && (opened === null || closes(marks, opened))) isFence = true;
    return isFence || opened !== null ? 'code' : 'text';
  };
  const endLine = (): void => {
    if (isFence) opened = opened === null ? (fenceLine.exec(line)?.[1] ?? null) : null;
    isFence = false;
    line = '';
  };

  return {
    push: (chunk) => {
      const pieces: Piece[] = [];
      for (const part of chunk.split(/(?<=\n)/)) {
        line = `${line}${part}`.slice(0, longestPrefix);
        const type = typeOfLine();
        const last = pieces.at(-1);
        if (last?.type === type) last.content += part;
        else pieces.push({ type, content: part });
        if (part.endsWith('\n')) endLine();
      }
      return pieces;
    },
  };
};

/** A fence is closed by as many of the same marks, or more. */
const closes = (marks: string, opened: string): boolean => marks[0] === opened[0] && marks.length >= opened.length;

/**
 * The lines of a buffer as text and sequences that draw them, cell by cell, in a fresh buffer of the same width, with the
 * cursor at its top left and the usual pen. Lines that were wrapped wrap again. It does not know cursors or modes.
 */
import type { IBuffer, IBufferCell, IBufferLine } from '@xterm/headless';

import { penOf, samePen, type Pen } from './pen.js';

const csi = '\u001b[';
const usual = `${csi}0m`;

export type Cell = IBufferCell & Pen;
export type LinkOf = (urlId: number) => { id?: string; uri: string } | undefined;

const isEmpty = (cell: Cell): boolean => cell.getChars() === '' && cell.getWidth() === 1;
/** Nothing but a background, as what is erased leaves it. */
const isErased = (cell: Cell): boolean => isEmpty(cell) && cell.fg === 0 && cell.bg >>> 26 === 0;

const linkTo = (urlId: number, linkOf: LinkOf): string => {
  const link = urlId === 0 ? undefined : linkOf(urlId);
  return `\u001b]8;${link?.id ? `id=${link.id}` : ''};${link?.uri ?? ''}\u0007`;
};

/** From line `from` on. */
export const drawLines = (buffer: IBuffer, from: number, cols: number, linkOf: LinkOf): string => {
  const parts: string[] = [];
  /** Read into again and again: of what is kept there is a copy. */
  const cell = buffer.getNullCell() as Cell;
  let pen = buffer.getNullCell() as Cell;
  const none = buffer.getNullCell() as Cell;

  const cellAt = (line: IBufferLine | undefined, column: number): Cell | undefined =>
    line?.getCell(column, cell) as Cell | undefined;
  const take = (look: Cell): void => {
    if (samePen(pen, look)) return;
    parts.push(penOf(look));
    if (look.extended.urlId !== pen.extended.urlId) parts.push(linkTo(look.extended.urlId, linkOf));
    pen = look;
  };
  const putDown = (): void => {
    if (samePen(pen, none)) return;
    if (pen.extended.urlId !== 0) parts.push(linkTo(0, linkOf));
    parts.push(usual);
    pen = none;
  };

  /** Cells from `column` on that were erased alike. */
  const erasedRun = (line: IBufferLine, column: number): number => {
    const background = cellAt(line, column)?.bg;
    let end = column + 1;
    for (; end < cols; end += 1) {
      const next = cellAt(line, end);
      if (!next || !isErased(next) || next.bg !== background) break;
    }
    return end - column;
  };

  const drawErased = (line: IBufferLine, column: number): number => {
    const background = line.getCell(column) as Cell;
    const count = erasedRun(line, column);
    if (background.bg !== 0) {
      take(background);
      parts.push(`${csi}${count}X`);
    }
    if (column + count < cols) parts.push(`${csi}${count}C`);
    return count;
  };

  const drawLine = (line: IBufferLine): void => {
    for (let column = 0; column < cols;) {
      const found = cellAt(line, column);
      if (!found) return;
      if (isErased(found)) {
        column += drawErased(line, column);
        continue;
      }
      if (!samePen(pen, found)) take(line.getCell(column) as Cell);
      parts.push(found.getChars() || ' ');
      column += Math.max(1, found.getWidth());
    }
  };

  /** Makes the next line one that this line runs over into, and leaves the cursor at its beginning. */
  const runOver = (line: IBufferLine): void => {
    const last = line.getCell(cols - 1) as Cell | undefined;
    const column = last?.getWidth() === 0 ? cols - 2 : cols - 1;
    const edge = line.getCell(column) as Cell | undefined;
    const erased = edge !== undefined && isErased(edge);
    parts.push(`${csi}${column + 1}G`);
    if (edge && !erased) take(edge);
    parts.push(edge?.getChars() || ' ');
    putDown();
    // What makes it wrap is taken away again.
    parts.push(` \r${csi}1X`);
    if (!edge || !erased) return;
    parts.push(`${csi}1A${csi}${column + 1}G`);
    take(edge);
    parts.push(`${csi}1X`);
    putDown();
    parts.push(`${csi}1B\r`);
  };

  for (let row = from; row < buffer.length; row += 1) {
    const line = buffer.getLine(row);
    if (line) drawLine(line);
    if (row === buffer.length - 1) break;
    if (line && buffer.getLine(row + 1)?.isWrapped) runOver(line);
    else {
      // A line that comes by scrolling has the background of the pen.
      putDown();
      parts.push('\r\n');
    }
  }
  putDown();
  return parts.join('');
};

/** What can be seen of an emulator, to compare two: cells, cursor, modes and lines above. It does not know how they came to be. */
import type { Emulator } from '../terminal/emulator.js';
import type { Cell } from '../terminal/lines.js';

type Terminal = Emulator['terminal'];

export const drawn = (emulator: Emulator, bytes: string | Uint8Array): Promise<void> =>
  new Promise((resolve) => {
    emulator.terminal.write(bytes, resolve);
  });

/** The first sixteen of the 256 colours are drawn as the named ones are. */
const modeOf = (mode: number, colour: number): number => (mode === 0x200_0000 && colour < 16 ? 0x100_0000 : mode);

const linesOf = (terminal: Terminal, buffer: Terminal['buffer']['normal']): string[][] => {
  const from = Math.max(0, buffer.length - terminal.rows - 30);
  return Array.from({ length: buffer.length - from }, (_, index) => {
    const line = buffer.getLine(from + index);
    const cells = Array.from({ length: terminal.cols }, (_unused, column) => {
      const cell = line?.getCell(column) as Cell | undefined;
      const look = cell && [
        modeOf(cell.getFgColorMode(), cell.getFgColor()),
        cell.getFgColor(),
        modeOf(cell.getBgColorMode(), cell.getBgColor()),
        cell.getBgColor(),
        cell.isBold(),
        cell.isItalic(),
        cell.isInverse(),
        cell.isUnderline() && cell.extended.underlineStyle,
        cell.isDim(),
        cell.isInvisible(),
        cell.isStrikethrough(),
        cell.isOverline(),
        cell.isBlink(),
      ];
      return `${cell?.getChars() || ' '}/${cell?.getWidth()}/${look?.join(',')}`;
    });
    return [...cells, line?.isWrapped ? 'wrapped' : ''];
  });
};

/** All that can be seen, now or when the alternate screen is left, and the lines above. */
export const seen = ({ terminal, inside }: Emulator) => {
  const { active, normal, alternate } = terminal.buffer;
  return {
    type: active.type,
    cursor: [active.cursorX, active.cursorY],
    lines: linesOf(terminal, normal),
    alternate: active.type === 'normal' ? [] : linesOf(terminal, alternate),
    modes: terminal.modes,
    hidden: inside.coreService?.isCursorHidden,
    mouse: inside.coreMouseService?.activeEncoding,
  };
};

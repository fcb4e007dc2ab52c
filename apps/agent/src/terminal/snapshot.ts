/**
 * A screen as escape sequences that draw it in a fresh emulator of the same size: its lines, and what else
 * later output depends on (scroll region, origin mode, cursor with its pending wrap, saved cursor, charsets, tab stops,
 * mouse encoding, cursor's look, title). It does not know offsets, and never looks while a sequence is half read.
 */
import type { BufferInside, Charset, Emulator } from './emulator.js';
import { drawLines, type Cell } from './lines.js';
import { penOf } from './pen.js';

const csi = '\u001b[';
const at = (row: number, column: number): string => `${csi}${row + 1};${column + 1}H`;

/** Only line drawing and US-ASCII are told apart: the others are national sets that no program of today selects. */
const charsetOf = (set: Charset | undefined): string => (set?.['q'] === '─' ? '0' : 'B');
const designators = ['(', ')', '*', '+'] as const;

const charsets = (inside: Emulator['inside']): string => {
  const service = inside._charsetService;
  if (!service) return '';
  const sets = designators
    .map((sign, index) => (charsetOf(service._charsets[index]) === '0' ? `\u001b${sign}0` : ''))
    .join('');
  return sets + (['', '\u000e', '\u001bn', '\u001bo'][service.glevel] ?? '');
};

const tabStops = (buffer: BufferInside, cols: number): string => {
  const stops = Array.from({ length: cols }, (_, column) => column).filter((column) => buffer.tabs[column] === true);
  const usual = stops.length === Math.ceil(cols / 8) && stops.every((column) => column % 8 === 0);
  return usual ? '' : `${csi}3g${stops.map((column) => `${at(0, column)}\u001bH`).join('')}`;
};

const savedCursor = (buffer: BufferInside, cols: number): string => {
  const row = Math.max(0, buffer.savedY - buffer.ybase);
  const lines = charsetOf(buffer.savedCharset) === '0';
  const back = lines ? '\u001b(B' : '';
  return `${at(row, Math.min(buffer.savedX, cols - 1))}${penOf(buffer.savedCurAttrData)}${lines ? '\u001b(0' : ''}\u001b7${back}`;
};

/** Puts the cursor behind the last column, where the next character wraps: by drawing that column's cell again. */
const pendingWrap = ({ terminal }: Emulator, buffer: BufferInside, go: (column: number) => string): string => {
  const cols = terminal.cols;
  const line = terminal.buffer.active.getLine(buffer.ybase + buffer.y);
  const last = line?.getCell(cols - 1);
  const column = last?.getWidth() === 0 ? cols - 2 : cols - 1;
  const cell = line?.getCell(column) as Cell | undefined;
  return cell === undefined ? go(cols - 1) : `${go(column)}${penOf(cell)}${cell.getChars() || ' '}`;
};

/** To a column of the cursor's row; in origin mode rows count from the region's first. */
const goTo = ({ terminal }: Emulator, buffer: BufferInside, shown: boolean) => {
  const first = shown && terminal.modes.originMode ? buffer.scrollTop : 0;
  return (column: number): string => at(Math.max(0, buffer.y - first), column);
};

/** The character before the cursor once more, where the program might have it repeated. Its pen is the pen. */
const lastCharacter = (emulator: Emulator, buffer: BufferInside): string => {
  const { terminal, inside } = emulator;
  if (!inside._inputHandler?._parser.precedingJoinState || terminal.modes.insertMode) return '';
  const line = terminal.buffer.active.getLine(buffer.ybase + buffer.y);
  const column = line?.getCell(buffer.x - 1)?.getWidth() === 0 ? buffer.x - 2 : buffer.x - 1;
  const text = column < 0 ? '' : (line?.getCell(column)?.getChars() ?? '');
  return text === '' ? '' : goTo(emulator, buffer, true)(column) + text;
};

/** What belongs to one buffer: written while it is the shown one, after its text. Ends with the cursor in place. */
const bufferState = (emulator: Emulator, buffer: BufferInside, shown: boolean): string => {
  const { terminal } = emulator;
  const region = buffer.scrollTop !== 0 || buffer.scrollBottom !== terminal.rows - 1;
  const origin = shown && terminal.modes.originMode;
  const go = goTo(emulator, buffer, shown);
  return [
    shown ? tabStops(buffer, terminal.cols) : '',
    savedCursor(buffer, terminal.cols),
    region ? `${csi}${buffer.scrollTop + 1};${buffer.scrollBottom + 1}r` : '',
    origin ? `${csi}?6h` : '',
    shown && buffer.x >= terminal.cols ? pendingWrap(emulator, buffer, go) : go(Math.min(buffer.x, terminal.cols - 1)),
  ].join('');
};

const mouseModes = { none: '', x10: '?9', vt200: '?1000', drag: '?1002', any: '?1003' } as const;
const cursorStyles = { block: 2, underline: 4, bar: 6 } as const;

/** What holds for the whole terminal: last, for text above must not be drawn under it. */
const modesOf = ({ terminal, inside }: Emulator, title: string): string => {
  const { modes } = terminal;
  const mouse = mouseModes[modes.mouseTrackingMode];
  const encoding = { SGR: '?1006', SGR_PIXELS: '?1016' }[inside.coreMouseService?.activeEncoding ?? ''];
  const look = inside.coreService?.decPrivateModes;
  const on: [unknown, string][] = [
    [modes.applicationCursorKeysMode, '?1h'],
    [modes.applicationKeypadMode, '?66h'],
    [modes.bracketedPasteMode, '?2004h'],
    [modes.insertMode, '4h'],
    [modes.reverseWraparoundMode, '?45h'],
    [modes.sendFocusMode, '?1004h'],
    [!modes.wraparoundMode, '?7l'],
    [mouse, `${mouse}h`],
    [encoding, `${encoding ?? ''}h`],
    [inside.coreService?.isCursorHidden, '?25l'],
    [look?.cursorStyle, `${cursorStyles[look?.cursorStyle ?? 'block'] - (look?.cursorBlink ? 1 : 0)} q`],
  ];
  const sequences = on.map(([wanted, sequence]) => (wanted ? csi + sequence : '')).join('');
  return sequences + (title === '' ? '' : `\u001b]2;${title}\u0007`);
};

const maxTitle = 200;
const withoutControls = (title: string): string => title.replaceAll(/\p{Cc}/gu, '').slice(0, maxTitle);

const draw = (emulator: Emulator, title: string, scrollback: number): string => {
  const { terminal, inside } = emulator;
  const { normal, alternate, active } = terminal.buffer;
  const linkOf = (urlId: number) => inside._oscLinkService?.getLinkData(urlId);
  const above = Math.max(0, normal.length - terminal.rows - scrollback);
  const lines = drawLines(normal, above, terminal.cols, linkOf);
  const modes = modesOf(emulator, withoutControls(title));
  const last = penOf(inside._inputHandler?._curAttrData) + charsets(inside) + modes;
  const { buffers } = inside;
  if (!buffers) return active.type === 'normal' ? lines + last : plain(emulator);
  if (active.type === 'normal')
    return `${lines}${bufferState(emulator, buffers.normal, true)}${last}${lastCharacter(emulator, buffers.normal)}`;
  // 1047 and not 1049: that would overwrite the normal buffer's saved cursor.
  const before = `${lines}${bufferState(emulator, buffers.normal, false)}${csi}0m${csi}?1047h${csi}H`;
  const shown = drawLines(alternate, 0, terminal.cols, linkOf);
  return `${before}${shown}${bufferState(emulator, buffers.alt, true)}${last}${lastCharacter(emulator, buffers.alt)}`;
};

const plain = ({ terminal }: Emulator): string => {
  const { active } = terminal.buffer;
  const lines = Array.from(
    { length: terminal.rows },
    (_, row) => active.getLine(active.baseY + row)?.translateToString(true) ?? '',
  );
  return `${lines.join('\r\n')}${at(active.cursorY, Math.min(active.cursorX, terminal.cols - 1))}`;
};

/** With less and less scrollback, and at last without colours, so that its JSON stays within `maxJsonBytes`. */
export const drawScreen = (emulator: Emulator, title: string, maxJsonBytes: number): string => {
  for (const scrollback of [5_000, 1_000, 200, 0]) {
    const screen = draw(emulator, title, scrollback);
    // An escape is six bytes in JSON; most text is one.
    if (screen.length < maxJsonBytes / 6 || Buffer.byteLength(JSON.stringify(screen)) <= maxJsonBytes) return screen;
  }
  return plain(emulator);
};

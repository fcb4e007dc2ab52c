/** The look of a cell, or of what is written next, as the sequence that makes it. It does not know where it is drawn. */
const csi = '\u001b[';

/** Attributes of a cell or of the pen, as the emulator has them. */
export interface Pen {
  /** All of the look but what is `extended`, packed. */
  readonly fg: number;
  readonly bg: number;
  readonly extended: { underlineStyle: number; underlineColor: number; urlId: number };
  isBold(): number;
  isDim(): number;
  isItalic(): number;
  isUnderline(): number;
  isBlink(): number;
  isInverse(): number;
  isInvisible(): number;
  isStrikethrough(): number;
  isOverline(): number;
  isProtected(): number;
  isFgRGB(): boolean;
  isFgPalette(): boolean;
  isBgRGB(): boolean;
  isBgPalette(): boolean;
  getFgColorMode(): number;
  getBgColorMode(): number;
  getFgColor(): number;
  getBgColor(): number;
  isUnderlineColorRGB(): boolean;
  isUnderlineColorPalette(): boolean;
  getUnderlineColor(): number;
}

/** The emulator's colour mode of the sixteen. */
const named = 0x100_0000;

const rgb = (value: number): string => `2;${(value >> 16) & 255};${(value >> 8) & 255};${value & 255}`;

const colour = (base: 30 | 40, pen: Pen): string => {
  const [isRgb, isPalette, value, mode] =
    base === 30
      ? [pen.isFgRGB(), pen.isFgPalette(), pen.getFgColor(), pen.getFgColorMode()]
      : [pen.isBgRGB(), pen.isBgPalette(), pen.getBgColor(), pen.getBgColorMode()];
  if (isRgb) return `;${base + 8};${rgb(value)}`;
  if (!isPalette) return '';
  return mode === named ? `;${value < 8 ? base + value : base + 52 + value}` : `;${base + 8};5;${value}`;
};

const underline = (pen: Pen): string => {
  if (!pen.isUnderline()) return '';
  const { underlineStyle, underlineColor } = pen.extended;
  const style = underlineStyle > 1 ? `;4:${underlineStyle}` : ';4';
  // The emulator marks one that has no colour of its own by a negative number.
  if (underlineColor < 0) return style;
  if (pen.isUnderlineColorRGB()) return `${style};58;${rgb(pen.getUnderlineColor())}`;
  return pen.isUnderlineColorPalette() ? `${style};58;5;${pen.getUnderlineColor()}` : style;
};

/** The sequence that makes the pen this one, whatever it was; links apart. */
export const penOf = (pen: Pen | undefined): string => {
  if (pen === undefined) return `${csi}0m`;
  const flags: [number, string][] = [
    [pen.isBold(), '1'],
    [pen.isDim(), '2'],
    [pen.isItalic(), '3'],
    [pen.isBlink(), '5'],
    [pen.isInverse(), '7'],
    [pen.isInvisible(), '8'],
    [pen.isStrikethrough(), '9'],
    [pen.isOverline(), '53'],
  ];
  const set = flags.map(([on, code]) => (on ? `;${code}` : '')).join('');
  const guard = pen.isProtected() ? `${csi}1"q` : '';
  return `${csi}0${set}${underline(pen)}${colour(30, pen)}${colour(40, pen)}m${guard}`;
};

export const samePen = (one: Pen, other: Pen): boolean =>
  one.fg === other.fg &&
  one.bg === other.bg &&
  one.extended.underlineStyle === other.extended.underlineStyle &&
  one.extended.underlineColor === other.extended.underlineColor &&
  one.extended.urlId === other.extended.urlId;

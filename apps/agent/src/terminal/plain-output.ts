/**
 * Output that need not be read to know the screen after it: plain lines that so many plain lines follow that nothing of them is
 * left, on the screen or above it. It does not know emulators or offsets.
 */
const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const tab = 0x09;

/** Length of what begins these bytes and only prints: text, tabs and ends of lines; no other control, no sequence. */
const plainLength = (bytes: Uint8Array): number => {
  for (let index = 0; index < bytes.length; index += 1) {
    const byte = bytes[index] ?? 0;
    if (byte >= 0x20 && byte < 0x7f) continue;
    if (byte === lineFeed || byte === carriageReturn || byte === tab) continue;
    // A C1 control stands in UTF-8 behind 0xC2; on the border that is not yet known.
    const next = bytes[index + 1] ?? 0x80;
    if (byte < 0x80 || (byte === 0xc2 && next < 0xa0)) return index;
  }
  return bytes.length;
};

/**
 * A piece [from, to) after which the screen is what it would be had all bytes before `to` been read, and not only these: it
 * begins at an end of line, which puts the cursor where it belongs, and has at least `lines` line feeds more. null where
 * there is none. For an emulator at rest whose whole screen scrolls.
 */
export const lastPlainLines = (bytes: Uint8Array, lines: number): { from: number; to: number } | null => {
  const to = plainLength(bytes);
  let left = lines;
  for (let index = to - 1; index > 0; index -= 1) {
    if (bytes[index] !== lineFeed) continue;
    if (left > 0) left -= 1;
    else if (bytes[index - 1] === carriageReturn) return { from: index - 1, to };
  }
  return null;
};

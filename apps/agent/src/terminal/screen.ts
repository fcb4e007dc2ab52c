/**
 * A terminal's screen: an emulator that is fed with the same bytes as the viewers, and knows how far it has read.
 * It does not know viewers or ptys; where the bytes between two offsets are is told by `tail`.
 */
import { createEmulator, atRest, inSequence } from './emulator.js';
import { drawScreen } from './snapshot.js';
import type { TerminalSize } from './types.js';

/** Lines above the screen that a snapshot can bring back. */
const scrollbackLines = 5_000;
/** Room for the rest of the message in a frame of 2 MiB. */
const maxScreenJsonBytes = 1_900_000;

export interface ScreenSnapshot extends TerminalSize {
  /** Output from here on is to be drawn after `screen`. */
  offset: number;
  screen: string;
  /** Number of the last resize that is in it. */
  resize: number;
}

export interface Screen {
  /** Bytes that were given and are not yet read. */
  readonly pendingBytes: number;
  write(bytes: Uint8Array): void;
  /** Takes hold after the bytes that were given before. `number` names it. */
  resize(size: TerminalSize, number: number): void;
  /** The screen as far as it is read: at once, never in the middle of a sequence. */
  snapshot(): ScreenSnapshot;
  /** Resolves when all that was given before is read. */
  settled(): Promise<void>;
  dispose(): void;
}

export interface ScreenOptions extends TerminalSize {
  /** Offset of the first byte that will be given. */
  start: number;
  /** The bytes of output between two offsets; empty where they are no longer kept. */
  tail: (from: number, to: number) => Uint8Array;
  /** What the emulator would answer the program. */
  onAnswer: (data: string) => void;
  /** Some bytes were read. */
  onRead: () => void;
}

const lookBackBytes = 64 * 1024;
const escape = 0x1b;
/** C1 controls that begin a sequence, as they stand in UTF-8 behind 0xC2. */
const introducers: ReadonlySet<number> = new Set([0x90, 0x98, 0x9b, 0x9d, 0x9e, 0x9f]);

/** Index at which the last sequence in these bytes begins, or -1. */
const lastSequence = (bytes: Uint8Array): number => {
  for (let index = bytes.length - 1; index >= 0; index -= 1) {
    if (bytes[index] === escape) return index;
    if (bytes[index] === 0xc2 && introducers.has(bytes[index + 1] ?? 0)) return index;
  }
  return -1;
};

/** Bytes at the end that begin a UTF-8 character without ending it. */
const cutCharacter = (bytes: Uint8Array): number => {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte >= 0xc0) return back;
    if (byte < 0x80) return 0;
  }
  return 0;
};

export const createScreen = (options: ScreenOptions): Screen => {
  const emulator = createEmulator(options.cols, options.rows, scrollbackLines);
  const { terminal } = emulator;
  let given = options.start;
  let read = options.start;
  let resizeRead = 0;
  let title = '';
  terminal.onTitleChange((text) => (title = text));
  terminal.onData(options.onAnswer);

  /** A half-read sequence has had no effect yet: it is read again from its beginning. */
  const restOffset = (): number => {
    if (atRest(emulator)) return read;
    if (!inSequence(emulator)) return read - cutCharacter(options.tail(read - 3, read));
    for (let to = read; ; to -= lookBackBytes) {
      // One byte more, for an introducer of two bytes on the border.
      const bytes = options.tail(to - lookBackBytes, Math.min(read, to + 1));
      const index = lastSequence(bytes);
      if (index >= 0) return Math.min(read, to + 1) - bytes.length + index;
      if (bytes.length < lookBackBytes) return read;
    }
  };

  return {
    get pendingBytes() {
      return given - read;
    },
    write(bytes) {
      given += bytes.length;
      const behind = given;
      terminal.write(bytes, () => {
        read = behind;
        options.onRead();
      });
    },
    resize(size, number) {
      terminal.write('', () => {
        terminal.resize(size.cols, size.rows);
        resizeRead = number;
      });
    },
    snapshot() {
      const screen = drawScreen(emulator, title, maxScreenJsonBytes);
      return { offset: restOffset(), cols: terminal.cols, rows: terminal.rows, screen, resize: resizeRead };
    },
    settled: () =>
      new Promise((resolve) => {
        terminal.write('', resolve);
      }),
    dispose: () => terminal.dispose(),
  };
};

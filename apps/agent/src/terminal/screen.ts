/**
 * A terminal's screen: an emulator that is fed with the same bytes as the viewers, and knows how far it has read.
 * It does not know viewers or ptys; where the bytes between two offsets are is told by `tail`.
 */
import { createEmulator, atRest, inSequence } from './emulator.js';
import { lastPlainLines } from './plain-output.js';
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
  /** Output was appended: `tail` has it. It is read when much has come, or none for a moment; at once where `hurried`. */
  given(bytes: number): void;
  /** From now on output is read as it comes, or (as usual) in large pieces, which leaves the time to who watches. */
  hurry(hurried: boolean): void;
  /** Runs when the bytes that were given before are read, and none after them. */
  behind(action: () => void): void;
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
  /** So many bytes are not left unread in `tail`, which may soon forget them. */
  maxUnreadBytes: number;
  /** What the emulator would answer the program. */
  onAnswer: (data: string) => void;
  /** Some bytes were read. */
  onRead: () => void;
}

/** Reading begins when nothing came for a moment, or the oldest waits this long. */
const quietMs = 30;
const latestMs = 250;
/** What the emulator reads without looking up: some milliseconds. */
const pieceBytes = 32 * 1024;
/** Of plain lines too, which are read in one piece where others were left out. */
const maxPieceBytes = 768 * 1024;
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
  const { tail, maxUnreadBytes } = options;
  const emulator = createEmulator(options.cols, options.rows, scrollbackLines);
  const { terminal } = emulator;
  let end = options.start;
  /** Up to here the emulator was handed the output, and up to `read` it has read it. */
  let handed = options.start;
  let read = options.start;
  let actions: { offset: number; run: () => void }[] = [];
  let resizeRead = 0;
  let title = '';
  let hurried = false;
  let disposed = false;
  let quiet: NodeJS.Timeout | null = null;
  let latest: NodeJS.Timeout | null = null;
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

  const stopWaiting = (): void => {
    if (quiet) clearTimeout(quiet);
    if (latest) clearTimeout(latest);
    quiet = latest = null;
  };

  const runActions = (): void => {
    while (actions[0] && actions[0].offset <= read) actions.shift()?.run();
  };

  const hand = (from: number, to: number): void => {
    handed = to;
    terminal.write(tail(from, to), () => {
      if (disposed) return;
      read = to;
      runActions();
      schedule();
      options.onRead();
    });
  };

  /** Whether the emulator's state lets lines be left out: nothing half read, and the whole screen scrolls. */
  const mayLeaveOut = (): boolean => {
    const { buffers } = emulator.inside;
    const buffer = terminal.buffer.active.type === 'normal' ? buffers?.normal : buffers?.alt;
    const scrolls = buffer !== undefined && buffer.scrollTop === 0 && buffer.scrollBottom === terminal.rows - 1;
    return scrolls && handed === read && atRest(emulator);
  };

  /** What was left out is missed until the piece is read: it is read in one go, and no snapshot falls between. */
  const handLastLines = (): void => {
    const found = lastPlainLines(tail(handed, nextStop()), scrollbackLines + 2 * terminal.rows);
    if (found && found.from > 0 && found.to - found.from <= maxPieceBytes) hand(handed + found.from, handed + found.to);
  };
  const nextStop = (): number => actions.find(({ offset }) => offset > handed)?.offset ?? end;

  const handAll = (): void => {
    stopWaiting();
    if (disposed) return;
    if (end - handed > maxPieceBytes / 8 && mayLeaveOut()) handLastLines();
    while (handed < end) hand(handed, Math.min(nextStop(), handed + pieceBytes));
  };

  const schedule = (): void => {
    if (handed === end) return;
    const unread = end - handed;
    const idle = handed === read;
    if ((idle && (hurried || unread >= maxUnreadBytes)) || unread >= 3 * maxUnreadBytes) return handAll();
    if (quiet) quiet.refresh();
    else quiet = setTimeout(onTime, quietMs);
    latest ??= setTimeout(onTime, latestMs);
  };
  const onTime = (): void => {
    stopWaiting();
    if (handed === read) handAll();
  };

  const behind = (run: () => void): void => {
    if (read === end) return run();
    actions = [...actions, { offset: end, run }];
  };

  return {
    get pendingBytes() {
      return end - read;
    },
    given(bytes) {
      end += bytes;
      schedule();
    },
    hurry(now) {
      hurried = now;
      schedule();
    },
    behind,
    resize: (size, number) =>
      behind(() => {
        terminal.resize(size.cols, size.rows);
        resizeRead = number;
      }),
    snapshot() {
      const screen = drawScreen(emulator, title, maxScreenJsonBytes);
      return { offset: restOffset(), cols: terminal.cols, rows: terminal.rows, screen, resize: resizeRead };
    },
    settled: () =>
      new Promise((resolve) => {
        behind(resolve);
        handAll();
      }),
    dispose() {
      disposed = true;
      stopWaiting();
      terminal.dispose();
    },
  };
};

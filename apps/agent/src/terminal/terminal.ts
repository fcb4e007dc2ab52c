/**
 * One terminal: its output by offset, its screen, its viewers, and who may go on. It knows no socket, no disk and no event.
 *
 * Invariants: every byte of the pty goes once, in order, to the ring, to the screen and to each viewer that keeps up; the pty
 * is read as long as the fastest viewer has drawn all but `holdBytes` (or nobody watches), and the screen can follow; a
 * question of the program is answered once: by the viewer that came first, or by the screen while nobody watches. Who may
 * not type is nobody in this: such a viewer gets what it can take.
 *
 * Bytes go to viewers as they come: which escapes have an effect in a browser (clipboard, links, titles) is for the page's
 * emulator to allow. A filter here would be a second parser in the way of every key.
 */
import { AppError, encodeTerminalFrame, frameKind, type Author, type TerminalId } from '@remote-claude/contract';

import { isAnswer } from './answers.js';
import type { Ring } from './ring.js';
import { createScreen, type Screen } from './screen.js';
import type { Shell } from './shell.js';
import type { TerminalSize, Typist, Viewer, ViewerSink } from './types.js';
import { createViewer, type AttachedViewer, type ResizeMark, type ViewerSource } from './viewer.js';
import { createWriter } from './writer.js';

const holdBytes = 256 * 1024;
const releaseBytes = 128 * 1024;
/** Parts of the ring that the screen has not read: it reads them together, and so much that a snapshot could begin before what is kept holds the program up. */
const maxUnreadPart = 1 / 4;
const maxPendingPart = 1 / 2;
/** So near to the end is a screen that is sent to who comes back from behind. */
const freshBytes = 256 * 1024;
const maxUntakenBytes = 1024 * 1024;

export interface TerminalEnd {
  exitCode: number | null;
  reason: string | null;
}

export interface TerminalOptions extends TerminalSize {
  terminalId: TerminalId;
  ring: Ring;
  /** Milliseconds in which a viewer that holds the program up must have drawn something. */
  stallMs: number;
  /** The ring or the size changed. */
  onChange: () => void;
}

export interface Terminal {
  readonly size: TerminalSize;
  readonly ended: TerminalEnd | null;
  /** Milliseconds since the last output or input, on the clock of `performance.now()`. */
  readonly lastActiveAt: number;
  /** What reads and types; without one it only shows. */
  connect(shell: Shell): void;
  output(bytes: Uint8Array): void;
  end(end: TerminalEnd): void;
  attach(sink: ViewerSink, after: number | undefined): AttachedViewer;
  write(bytes: Uint8Array, typist: Typist): void;
  take(person: Author | null): void;
  resize(size: TerminalSize, person: Author | null): void;
  /** Bytes that were typed and that the program has not taken. */
  readonly untakenBytes: number;
  /** Resolves when the screen has read all output. */
  settled(): Promise<void>;
  busy(): boolean;
  /** Ends the shell and detaches all viewers. */
  close(): void;
}

export const createTerminal = (options: TerminalOptions): Terminal => {
  const { terminalId, ring, stallMs, onChange } = options;
  const viewers = new Set<AttachedViewer>();
  let size: TerminalSize = { cols: options.cols, rows: options.rows };
  let marks: ResizeMark[] = [{ number: 0, offset: ring.end, ...size }];
  let shell: Shell | null = null;
  let ended: TerminalEnd | null = null;
  let paused = false;
  let closed = false;
  let stall: NodeJS.Timeout | null = null;
  let lastActiveAt = performance.now();

  const writer = createWriter({
    watching: () => typists().map((viewer) => viewer.person),
    onChange(person) {
      for (const viewer of viewers) viewer.tellWriter(person);
    },
  });

  /** Nobody watches: the screen answers what a program asks. Of each byte of output it is settled who answers. */
  let answering = true;
  /** A viewer waits for a screen that is near to the end. */
  let awaited = false;

  const maxPending = (): number => Math.min(ring.capacityBytes * maxPendingPart, awaited ? freshBytes : Infinity);
  const typists = (): AttachedViewer[] => [...viewers].filter((viewer) => viewer.mayType);
  const keepingUp = (): AttachedViewer[] => [...viewers].filter((viewer) => viewer.mayType && !viewer.lagging);
  /** Bytes that the fastest of them has not drawn; 0 where nobody watches. */
  const undrawnBytes = (): number => {
    const watching = keepingUp();
    return watching.length === 0 ? 0 : ring.end - Math.max(...watching.map((viewer) => viewer.credit));
  };

  /** Viewers that have drawn nothing for a while hold nobody up: they get snapshots. */
  const watchStall = (): void => {
    if (stall) return;
    const before = new Map(keepingUp().map((viewer) => [viewer, viewer.credit]));
    stall = setTimeout(() => {
      stall = null;
      for (const [viewer, credit] of before)
        if (viewers.has(viewer) && viewer.credit === credit && credit < ring.end) viewer.lag();
      govern();
    }, stallMs);
    stall.unref();
  };

  /** Pauses or resumes the pty. */
  const govern = (): void => {
    if (!shell || ended || closed) return;
    const held = undrawnBytes() > (paused ? releaseBytes : holdBytes);
    const hold = held || screen.pendingBytes > (paused ? maxPending() / 2 : maxPending());
    if (held) watchStall();
    if (hold === paused) return;
    paused = hold;
    if (hold) shell.pause();
    else shell.resume();
  };

  const screen: Screen = createScreen({
    ...size,
    start: ring.end,
    tail: (from, to) => ring.slice(Math.min(to, Math.max(ring.start, from)), to),
    maxUnreadBytes: ring.capacityBytes * maxUnreadPart,
    onAnswer: (data) => {
      if (answering && !ended) shell?.write(data);
    },
    onRead: () => {
      if (awaited && isFresh()) for (const viewer of viewers) viewer.pump();
      govern();
    },
  });
  screen.hurry(true);

  const isFresh = (): boolean => screen.pendingBytes <= Math.min(freshBytes, ring.capacityBytes * maxUnreadPart);
  /** Who watches is not made to wait for the screen; who answers changes at this byte. */
  const watched = (): void => {
    const nobody = typists().length === 0;
    awaited &&= [...viewers].some((viewer) => viewer.lagging);
    screen.hurry(nobody || awaited);
    screen.behind(() => (answering = nobody));
  };

  const source: ViewerSource = {
    terminalId,
    ring,
    get marks() {
      return marks;
    },
    ended: () => ended !== null,
    snapshot: () => screen.snapshot(),
    freshSnapshot() {
      awaited = !isFresh();
      screen.hurry(awaited || typists().length === 0);
      return awaited ? null : screen.snapshot();
    },
    moved: () => govern(),
  };

  /** Of several emulators one answers: the first that keeps up, of who types if there is one, and not while it draws old output again. */
  const mayAnswer = (viewer: Viewer): boolean => {
    const able = keepingUp();
    const first = able.find(({ person }) => person !== null && person.userId === writer.person?.userId) ?? able[0];
    return first === undefined || (first === viewer && first.answersLive);
  };

  return {
    get size() {
      return size;
    },
    get ended() {
      return ended;
    },
    get lastActiveAt() {
      return lastActiveAt;
    },
    get untakenBytes() {
      return ended || closed ? 0 : (shell?.untakenBytes ?? 0);
    },
    connect(started) {
      shell = started;
    },
    output(bytes) {
      if (closed) return;
      const offset = ring.end;
      ring.append(bytes);
      lastActiveAt = performance.now();
      let frame: Uint8Array | null = null;
      const shared = (): Uint8Array =>
        (frame ??= encodeTerminalFrame({ kind: frameKind.output, terminalId, position: offset, bytes }));
      for (const viewer of viewers) viewer.output(offset, bytes.length, shared);
      screen.given(bytes.length);
      // Of the marks before what is kept only the last is of use.
      while (marks.length > 1 && (marks[1]?.offset ?? Infinity) <= ring.start) marks.shift();
      onChange();
      govern();
    },
    end(end) {
      ended ??= end;
    },
    attach(sink, after) {
      const onDetach = (): void => {
        viewers.delete(viewer);
        if (!closed) writer.viewersChanged();
        watched();
        govern();
      };
      const viewer = createViewer({ source, sink, after, onDetach });
      viewers.add(viewer);
      if (writer.person !== null) viewer.tellWriter(writer.person);
      watched();
      viewer.pump();
      govern();
      return viewer;
    },
    write(bytes, { viewer, person }) {
      if (ended || !shell) throw new AppError('conflict', { message: 'This terminal has ended. Open a new one.' });
      if (viewer && isAnswer(bytes)) {
        if (!mayAnswer(viewer)) return;
      } else writer.claim(person);
      if (shell.untakenBytes + bytes.length > maxUntakenBytes) {
        throw new AppError('rate_limited', {
          message: 'The program in this terminal does not read its input; this was not typed.',
        });
      }
      lastActiveAt = performance.now();
      shell.write(bytes);
    },
    take: (person) => writer.take(person),
    resize(wanted, person) {
      if (!writer.allows(person)) return;
      if (ended || closed || (wanted.cols === size.cols && wanted.rows === size.rows)) return;
      size = { cols: wanted.cols, rows: wanted.rows };
      const mark = { number: (marks.at(-1)?.number ?? 0) + 1, offset: ring.end, ...size };
      marks = [...marks, mark];
      shell?.resize(size);
      screen.resize(size, mark.number);
      for (const viewer of viewers) viewer.pump();
      onChange();
    },
    settled: () => screen.settled(),
    busy: () => !ended && (shell?.busy() ?? false),
    close() {
      if (closed) return;
      closed = true;
      if (stall) clearTimeout(stall);
      for (const viewer of viewers) viewer.detach();
      shell?.end();
      screen.dispose();
    },
  };
};

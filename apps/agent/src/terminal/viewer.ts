/**
 * One viewer of one terminal: what it was sent and what it has drawn. The ring is its queue, so that a slow one costs no
 * memory: what it has not got is read from there when it can take more, and what the ring has lost by then is a snapshot.
 * It does not know sockets or ptys.
 *
 * Invariants: bytes go out in order, from `sent` on, without gap or repeat, or a snapshot says how many are skipped;
 * `drawn` <= `sent` <= the ring's end; a lagging viewer gets nothing until it has drawn what it got.
 */
import { encodeTerminalFrame, frameKind, type Author, type TerminalId } from '@remote-claude/contract';

import type { Ring } from './ring.js';
import type { ScreenSnapshot } from './screen.js';
import type { TerminalSize, Viewer, ViewerSink } from './types.js';

/** A viewer that is further behind than this gets snapshots. Also the most that is on its way to it undrawn. */
const maxBehindBytes = 1024 * 1024;
const frameBytes = 64 * 1024;
/** Answers to what was drawn again are held back until that is drawn, at most this long. */
const replayMs = 2_000;

/** A change of size at an offset of the output; numbered from 0, which is the size at the beginning. */
export interface ResizeMark extends TerminalSize {
  number: number;
  offset: number;
}

/** What a viewer reads from. */
export interface ViewerSource {
  terminalId: TerminalId;
  ring: Ring;
  marks: readonly ResizeMark[];
  ended(): boolean;
  /** The screen as far as it is read: the ring has what follows. */
  snapshot(): ScreenSnapshot;
  /** One near to the end of the output; null where it is still to be read, and `pump` is called when it is. */
  freshSnapshot(): ScreenSnapshot | null;
  /** The viewer has drawn more, or lags, or no longer does. */
  moved(): void;
}

export interface AttachedViewer extends Viewer {
  readonly person: Author | null;
  readonly mayType: boolean;
  tellWriter(writer: Author | null): void;
  /** Offset up to which it counts as drawn: what it was behind when it came is not held against it. */
  readonly credit: number;
  readonly lagging: boolean;
  /** Whether what its emulator answers belongs to live output. */
  readonly answersLive: boolean;
  /** New bytes, which the ring has already, as a frame that is shared by all viewers. */
  output(offset: number, length: number, frame: () => Uint8Array): void;
  /** Sends what can be sent. */
  pump(): void;
  /** It holds the program up: from now on it gets snapshots. */
  lag(): void;
}

interface ViewerOptions {
  source: ViewerSource;
  sink: ViewerSink;
  /** What it has drawn already; undefined, or no longer kept, for a snapshot. */
  after: number | undefined;
  onDetach: () => void;
}

export const createViewer = ({ source, sink, after, onDetach }: ViewerOptions): AttachedViewer => {
  const { ring, terminalId } = source;
  const joined = ring.end;
  const joinedAt = performance.now();
  let sent = 0;
  let drawn = 0;
  /** Number of the last resize it was told. */
  let resize = -1;
  let lagging = false;
  let detached = false;

  const tellSize = (mark: ResizeMark): void => {
    sink.message({ id: '', type: 'terminal-resized', payload: { terminalId, cols: mark.cols, rows: mark.rows } });
    resize = mark.number;
  };

  const sendScreen = (snapshot: ScreenSnapshot, skippedFrom: number | null): void => {
    const { offset, cols, rows, screen, resize: number } = snapshot;
    const skipped = Math.max(0, offset - (skippedFrom ?? offset));
    sink.message({
      id: '',
      type: 'terminal-screen',
      payload: { terminalId, offset, cols, rows, screen, skipped, ended: source.ended() },
    });
    sent = drawn = offset;
    resize = number;
    lagging = false;
  };

  const lag = (): void => {
    if (lagging) return;
    lagging = true;
    source.moved();
  };

  /** The next piece: up to a change of size, which is told where it happened. */
  const sendNext = (): void => {
    const mark = source.marks.find((one) => one.number > resize);
    if (mark && mark.offset <= sent) return tellSize(mark);
    const to = Math.min(ring.end, sent + frameBytes, mark?.offset ?? Infinity);
    const frame = encodeTerminalFrame({
      kind: frameKind.output,
      terminalId,
      position: sent,
      bytes: ring.slice(sent, to),
    });
    sent = to;
    sink.output(frame);
  };

  const behind = (): boolean => sent < ring.end || (source.marks.at(-1)?.number ?? 0) > resize;

  const pump = (): void => {
    if (detached) return;
    if (sent < ring.start) lag();
    if (lagging) {
      if (drawn < sent || !sink.writable()) return;
      const snapshot = source.freshSnapshot();
      if (snapshot === null) return;
      sendScreen(snapshot, sent);
      source.moved();
    }
    while (behind() && sink.writable() && sent - drawn < maxBehindBytes && sent >= ring.start) sendNext();
    if (ring.end - Math.max(drawn, joined) > maxBehindBytes) lag();
  };

  if (after !== undefined && after >= ring.start && after <= ring.end) {
    sent = drawn = after;
    const mark = source.marks.findLast((one) => one.offset <= after);
    if (mark) tellSize(mark);
  } else sendScreen(source.snapshot(), after ?? null);

  return {
    person: sink.person,
    mayType: sink.mayType,
    tellWriter: (writer) => sink.message({ id: '', type: 'terminal-writer', payload: { terminalId, writer } }),
    get credit() {
      return Math.max(drawn, joined);
    },
    get lagging() {
      return lagging;
    },
    get answersLive() {
      return drawn >= joined || performance.now() - joinedAt > replayMs;
    },
    output(offset, length, frame) {
      const room = !lagging && sent === offset && sink.writable() && sent - drawn < maxBehindBytes;
      if (!room || detached || (source.marks.at(-1)?.number ?? 0) > resize) return pump();
      sent += length;
      sink.output(frame());
    },
    pump,
    lag,
    ack(offset) {
      // A claim by the other end: more than was sent cannot have been drawn.
      if (offset <= drawn || offset > sent) return;
      drawn = offset;
      pump();
      source.moved();
    },
    resume: pump,
    detach() {
      if (detached) return;
      detached = true;
      onDetach();
    },
  };
};

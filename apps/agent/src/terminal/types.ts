/** What a terminal shows to the rest of the agent. It does not know sockets: a viewer is a sink of frames and messages. */
import type { ServerMessage, TerminalId } from '@remote-claude/contract';

import type { ActivitySource } from '../parts.js';

/** Where a viewer's output goes. Neither call may throw. */
export interface ViewerSink {
  /** One binary frame, ready to send. It is shared by viewers: not to be changed. */
  output(frame: Uint8Array): void;
  message(message: ServerMessage): void;
  /** False while too much is buffered; `Viewer.resume` tells when that is over. */
  writable(): boolean;
}

export interface Viewer {
  /** Everything before this offset is drawn. */
  ack(offset: number): void;
  /** The sink is writable again. */
  resume(): void;
  detach(): void;
}

export interface TerminalSize {
  cols: number;
  rows: number;
}

export interface TerminalSummary extends TerminalSize {
  terminalId: TerminalId;
  name: string;
  ended: boolean;
  exitCode: number | null;
  reason: string | null;
}

export interface CreateTerminal extends TerminalSize {
  terminalId: TerminalId;
  name?: string | undefined;
}

/** All calls that name a terminal throw `not_found` for one that is not there. */
export interface Terminals extends ActivitySource {
  /** Twice under one id is once. Resolves when the event of it is on disk. */
  create(request: CreateTerminal): Promise<void>;
  /** Output from `after` on where that is still kept, else a `terminal-screen` first. */
  attach(terminalId: TerminalId, sink: ViewerSink, after?: number): Promise<Viewer>;
  /** Types bytes; `viewer` is who types, where that is a viewer. */
  write(terminalId: TerminalId, bytes: Uint8Array, viewer?: Viewer): void;
  /** One size for all: the last caller's. Viewers get `terminal-resized` at the byte where it holds. */
  resize(terminalId: TerminalId, size: TerminalSize): void;
  rename(terminalId: TerminalId, name: string): Promise<void>;
  /** Ends the shell and forgets the screen. Of one that is not there: nothing, so that it may be repeated. */
  destroy(terminalId: TerminalId): Promise<void>;
  list(): TerminalSummary[];
  /** Ends all shells; their scrollback stays on disk. */
  close(): Promise<void>;
}

/** What a terminal shows to the rest of the agent. It does not know sockets: a viewer is a sink of frames and messages. */
import type { Author, ServerMessage, TerminalId } from '@remote-claude/contract';

import type { ActivitySource } from '../parts.js';

/** Where a viewer's output goes. Neither call may throw. */
export interface ViewerSink {
  /** Whose window it is, where that is known. */
  readonly person: Author | null;
  /** Who may not reads along: nothing waits for them, and their emulator answers no program. */
  readonly mayType: boolean;
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

/** Who types, and in which window where one is open. */
export interface Typist {
  person: Author | null;
  viewer?: Viewer | undefined;
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
  /** Throws `conflict` while another person types here. */
  write(terminalId: TerminalId, bytes: Uint8Array, typist: Typist): void;
  /** Makes this person the one who types; all viewers are told. */
  take(terminalId: TerminalId, person: Author | null): void;
  /** One size for all: that of who types, where somebody does. Viewers get `terminal-resized` at the byte where it holds. */
  resize(terminalId: TerminalId, size: TerminalSize, person: Author | null): void;
  /** Bytes that were typed and that the program has not taken; 0 where there is no such terminal. */
  untakenBytes(terminalId: TerminalId): number;
  rename(terminalId: TerminalId, name: string): Promise<void>;
  /** Ends the shell and forgets the screen. Of one that is not there: nothing, so that it may be repeated. */
  destroy(terminalId: TerminalId): Promise<void>;
  list(): TerminalSummary[];
  /** Ends all shells; their scrollback stays on disk. */
  close(): Promise<void>;
}

/**
 * The headless emulator and those of its insides that no public call gives. Guarded: where a future version lacks one,
 * the value is that of a fresh terminal. It does not know what a snapshot is.
 */
import headless from '@xterm/headless';
import { Unicode11Addon } from '@xterm/addon-unicode11';
import type { Terminal } from '@xterm/headless';

import type { LinkOf } from './lines.js';
import type { Pen } from './pen.js';

export type Charset = Record<string, string>;

export interface BufferInside {
  x: number;
  y: number;
  ybase: number;
  savedX: number;
  savedY: number;
  savedCurAttrData?: Pen;
  savedCharset?: Charset;
  scrollTop: number;
  scrollBottom: number;
  tabs: Record<number, boolean>;
}

interface Inside {
  buffers: { normal: BufferInside; alt: BufferInside };
  coreService: {
    decPrivateModes: { cursorBlink?: boolean; cursorStyle?: 'block' | 'underline' | 'bar' };
    isCursorHidden: boolean;
  };
  coreMouseService: { activeEncoding: string };
  _oscLinkService: { getLinkData: LinkOf };
  _charsetService: { glevel: number; _charsets: (Charset | undefined)[] };
  /** `precedingJoinState`: not 0 right behind a character, which REP would repeat. */
  _inputHandler: {
    _curAttrData: Pen;
    _parser: { currentState: number; precedingJoinState?: number };
    _utf8Decoder: { interim: Uint8Array };
  };
}

export interface Emulator {
  terminal: Terminal;
  /** Some of these may be missing in another version of the emulator. */
  inside: Partial<Inside>;
}

export const createEmulator = (cols: number, rows: number, scrollback: number): Emulator => {
  const terminal = new headless.Terminal({ cols, rows, scrollback, allowProposedApi: true, logLevel: 'off' });
  // How wide a character is must be the same here as in the page.
  terminal.loadAddon(new Unicode11Addon());
  terminal.unicode.activeVersion = '11';
  const core = (terminal as unknown as { _core?: Record<string, unknown> })._core ?? {};
  const inside = core as Partial<Inside> & { _bufferService?: { buffers?: Inside['buffers'] } };
  const buffers = inside.buffers ?? inside._bufferService?.buffers;
  return { terminal, inside: { ...pick(inside), ...(buffers ? { buffers } : {}) } };
};

const pick = (core: Partial<Inside>): Partial<Inside> => ({
  ...(core.coreService ? { coreService: core.coreService } : {}),
  ...(core.coreMouseService ? { coreMouseService: core.coreMouseService } : {}),
  ...(core._charsetService ? { _charsetService: core._charsetService } : {}),
  ...(core._oscLinkService ? { _oscLinkService: core._oscLinkService } : {}),
  ...(core._inputHandler ? { _inputHandler: core._inputHandler } : {}),
});

/** Whether all bytes so far have had their effect: no sequence and no character is half read. */
export const atRest = ({ inside }: Emulator): boolean => {
  const handler = inside._inputHandler;
  return (handler?._parser?.currentState ?? 0) === 0 && (handler?._utf8Decoder?.interim?.[0] ?? 0) === 0;
};

/** Whether an escape sequence is half read. */
export const inSequence = ({ inside }: Emulator): boolean => (inside._inputHandler?._parser?.currentState ?? 0) !== 0;

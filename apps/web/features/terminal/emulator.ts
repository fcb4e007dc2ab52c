/**
 * The terminal emulator with its addons, loaded when a terminal is first shown. It knows no socket: bytes come in, what is typed goes out.
 * Invariants: while a screen is restored nothing that the emulator says leaves it; titles, clipboard and notifications that
 * a program asks for are ignored.
 */
import '@xterm/xterm/css/xterm.css';
import { FitAddon } from '@xterm/addon-fit';
import { SearchAddon } from '@xterm/addon-search';
import { Unicode11Addon } from '@xterm/addon-unicode11';
import { WebLinksAddon } from '@xterm/addon-web-links';
import { WebglAddon } from '@xterm/addon-webgl';
import { Terminal, type ITheme } from '@xterm/xterm';

import { readThemeTokens } from '../../lib/theme-tokens';
import type { Screen } from './attachment';

export interface TerminalSize {
  cols: number;
  rows: number;
}

export interface Found {
  /** From 0; -1 for none. */
  index: number;
  count: number;
}

export interface Emulator {
  terminal: Terminal;
  /** Calls back when these bytes are drawn. */
  write(bytes: Uint8Array, drawn: () => void): void;
  /** Takes effect behind everything written before. */
  resize(size: TerminalSize): void;
  restore(screen: Screen, drawn: () => void): void;
  /** The size that fills the place where it is shown; null while it is not shown. */
  proposedSize(): TerminalSize | null;
  restyle(look: Look): void;
  /** Whether keys are taken; a screen that is only read keeps its selection and its links. */
  setTypable(typable: boolean): void;
  /** Draws with the graphics card while it is seen; without one, by DOM. */
  setSeen(seen: boolean): void;
  find(text: string, backwards: boolean): void;
  endFind(): void;
  close(): void;
}

export interface Look {
  fontSize: number;
  screenReader: boolean;
}

export interface EmulatorDeps {
  parent: HTMLElement;
  look: Look;
  /** Typed, or said by the emulator in answer to a program. */
  onText(text: string): void;
  /** Reports of the mouse that are not UTF-8. */
  onBytes(bytes: Uint8Array): void;
  /** False where the page takes this key for itself. */
  onKey(event: KeyboardEvent): boolean;
  onLink(url: string, event: MouseEvent): void;
  onFound(found: Found): void;
}

const themeOf = (): ITheme => {
  const token = readThemeTokens();
  return {
    background: token.surface,
    foreground: token['code-text'],
    cursor: token.accent,
    cursorAccent: token.surface,
    selectionBackground: token.selection,
    black: token['ansi-black'],
    red: token['ansi-red'],
    green: token['ansi-green'],
    yellow: token['ansi-yellow'],
    blue: token['ansi-blue'],
    magenta: token['ansi-magenta'],
    cyan: token['ansi-cyan'],
    white: token['ansi-white'],
    brightBlack: token['ansi-bright-black'],
    brightRed: token['ansi-bright-red'],
    brightGreen: token['ansi-bright-green'],
    brightYellow: token['ansi-bright-yellow'],
    brightBlue: token['ansi-bright-blue'],
    brightMagenta: token['ansi-bright-magenta'],
    brightCyan: token['ansi-bright-cyan'],
    brightWhite: token['ansi-bright-white'],
  };
};

const foundColours = () => {
  const token = readThemeTokens();
  return {
    matchBackground: token.selection,
    matchOverviewRuler: token.accent,
    activeMatchBackground: token.accent,
    activeMatchColorOverviewRuler: token.accent,
  };
};

const fontFamily = "'JetBrains Mono Variable', ui-monospace, monospace";
/** Clipboard, notifications and the window's title are not a program's to set. 52, 9, 777, 0, 1, 2. */
const ignoredOsc = [0, 1, 2, 9, 52, 777];

const build = ({ look, onLink, onKey }: EmulatorDeps) => {
  const terminal = new Terminal({
    allowProposedApi: true,
    cursorBlink: true,
    fontFamily,
    fontSize: look.fontSize,
    lineHeight: 1.25,
    screenReaderMode: look.screenReader,
    scrollback: 5_000,
    minimumContrastRatio: 4.5,
    rightClickSelectsWord: false,
    macOptionIsMeta: true,
    theme: themeOf(),
    linkHandler: { activate: (event, url) => onLink(url, event), allowNonHttpProtocols: false },
    logLevel: 'off',
  });
  for (const code of ignoredOsc) terminal.parser.registerOscHandler(code, () => true);
  terminal.attachCustomKeyEventHandler(onKey);
  return terminal;
};

const withGraphicsCard = (terminal: Terminal): WebglAddon | null => {
  const addon = new WebglAddon();
  try {
    terminal.loadAddon(addon);
    addon.onContextLoss(() => addon.dispose());
    return addon;
  } catch {
    // The DOM renderer that is there already goes on.
    addon.dispose();
    return null;
  }
};

/** The caller closes it. */
export const createEmulator = async (deps: EmulatorDeps): Promise<Emulator> => {
  // Cells are measured once: the font has to be there.
  await document.fonts.load(`${deps.look.fontSize}px 'JetBrains Mono Variable'`).catch(() => undefined);
  const terminal = build(deps);
  const fit = new FitAddon();
  const search = new SearchAddon({ highlightLimit: 2_000 });
  terminal.loadAddon(fit);
  terminal.loadAddon(search);
  terminal.loadAddon(new Unicode11Addon());
  terminal.unicode.activeVersion = '11';
  terminal.loadAddon(new WebLinksAddon((event, url) => deps.onLink(url, event)));
  terminal.open(deps.parent);
  search.onDidChangeResults(({ resultIndex, resultCount }) => deps.onFound({ index: resultIndex, count: resultCount }));

  let restoring = 0;
  terminal.onData((text) => {
    if (restoring === 0) deps.onText(text);
  });
  terminal.onBinary((text) => {
    if (restoring === 0) deps.onBytes(Uint8Array.from(text, (char) => char.charCodeAt(0) & 0xff));
  });

  let graphics: WebglAddon | null = null;
  let closed = false;
  const setSize = ({ cols, rows }: TerminalSize): void => {
    if (!closed && (terminal.cols !== cols || terminal.rows !== rows)) terminal.resize(cols, rows);
  };
  return {
    terminal,
    write: (bytes, drawn) => terminal.write(bytes, drawn),
    resize: (size) => terminal.write('', () => setSize(size)),
    restore(screen, drawn) {
      restoring += 1;
      // Behind what is still in the queue, so that nothing of it lands on the restored screen.
      terminal.write('', () => {
        terminal.reset();
        setSize(screen);
      });
      terminal.write(screen.screen, () => {
        restoring -= 1;
        drawn();
      });
    },
    proposedSize() {
      if (deps.parent.clientWidth === 0 || deps.parent.clientHeight === 0) return null;
      const size = fit.proposeDimensions();
      if (size === undefined || !Number.isFinite(size.cols) || !Number.isFinite(size.rows)) return null;
      return { cols: Math.min(1_000, Math.max(2, size.cols)), rows: Math.min(500, Math.max(1, size.rows)) };
    },
    restyle(look) {
      terminal.options.theme = themeOf();
      terminal.options.fontSize = look.fontSize;
      terminal.options.screenReaderMode = look.screenReader;
    },
    setTypable(typable) {
      terminal.options.disableStdin = !typable;
    },
    setSeen(seen) {
      // Where the way between panes leads.
      terminal.textarea?.toggleAttribute('data-pane-focus', seen);
      if (seen && graphics === null) graphics = withGraphicsCard(terminal);
      if (!seen && graphics !== null) {
        // A browser gives a page only a few contexts.
        graphics.dispose();
        graphics = null;
      }
    },
    find(text, backwards) {
      const options = { decorations: foundColours() };
      if (backwards) search.findPrevious(text, options);
      else search.findNext(text, { ...options, incremental: false });
    },
    endFind: () => search.clearDecorations(),
    close() {
      closed = true;
      terminal.dispose();
    },
  };
};

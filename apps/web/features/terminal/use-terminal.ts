/** One terminal's emulator and attachment for as long as a component shows it. It does not know tabs or menus. */
import { useEffect, useRef, useState, type RefObject } from 'react';
import type { Author, TerminalId } from '@remote-claude/contract';

import { useMe } from '../../lib/queries';
import { useSession, useSessionView } from '../../lib/session-context';
import { useTheme } from '../../lib/theme';
import type { Attachment } from './attachment';
import type { Emulator, Found, Look } from './emulator';
import { createTerminalLink, type TerminalLink } from './terminal-link';

export interface TerminalHandle {
  emulator: Emulator;
  /** Sends text as typed. */
  type(text: string): void;
  /** Asks for the size that fills the place. */
  fit(): void;
}

export interface TerminalOptions {
  terminalId: TerminalId;
  /** The name to open it with where it is not there yet. */
  createAs: string | null;
  /** It is the one that people see. */
  seen: boolean;
  look: Look;
  /** May type and resize. */
  writable: boolean;
  onKey: (event: KeyboardEvent) => boolean;
  onLink: (url: string, event: MouseEvent) => void;
  /** Changes what is typed before it is sent. */
  onTyped: (text: string) => string;
}

export interface TerminalView {
  handle: TerminalHandle | null;
  attachment: Attachment | null;
  found: Found;
  note: string | null;
  dismissNote: () => void;
  /** The emulator could not be loaded. */
  failed: boolean;
  retry: () => void;
  /** Another person who types here; until it is taken over nothing is typed from this page. */
  other: Author | null;
  /** It was taken from this page's person. */
  taken: boolean;
  take: () => void;
  /** Lets go of what waits to be typed. */
  discardWaiting: () => void;
}

const inputLost =
  'The line broke while you typed: the last keys may not have arrived. Look at the screen before you go on.';
const inputRefused =
  'This is more than may wait for a program: nothing of it was typed. Put it into a file, and let the program read that.';
const skippedText = (bytes: number): string =>
  `${bytes.toLocaleString()} bytes of output went by while this page was away and are not shown.`;

export const useTerminal = (place: RefObject<HTMLDivElement | null>, options: TerminalOptions): TerminalView => {
  const { terminalId, seen, look } = options;
  const me = useMe().data?.user.id ?? null;
  const [writer, setWriter] = useState<Author | null>(null);
  const [taken, setTaken] = useState(false);
  const other = writer === null || writer.userId === me ? null : writer;
  const writable = options.writable && other === null;
  const { socket } = useSession();
  const { send, subscribe, connected } = socket;
  const running = useSessionView(({ log }) => log.state.place.status === 'running');
  const theme = useTheme(({ resolved }) => resolved);
  const latest = useRef(options);
  useEffect(() => {
    latest.current = { ...options, writable };
  });
  const [handle, setHandle] = useState<TerminalHandle | null>(null);
  const [attachment, setAttachment] = useState<Attachment | null>(null);
  const [found, setFound] = useState<Found>({ index: -1, count: 0 });
  const [note, setNote] = useState<string | null>(null);
  const [failed, setFailed] = useState(false);
  const [attempt, setAttempt] = useState(0);
  const link = useRef<TerminalLink | null>(null);

  useEffect(() => {
    const parent = place.current;
    if (parent === null) return;
    let over = false;
    let emulator: Emulator | null = null;
    setFailed(false);
    const start = async (): Promise<void> => {
      const { createEmulator } = await import('./emulator');
      const encoder = new TextEncoder();
      const type = (text: string): void => {
        if (latest.current.writable) link.current?.input(encoder.encode(text));
      };
      const made = await createEmulator({
        parent,
        look: latest.current.look,
        onText: (text) => type(latest.current.onTyped(text)),
        onBytes: (bytes) => latest.current.writable && link.current?.input(bytes),
        onKey: (event) => latest.current.onKey(event),
        onLink: (url, event) => latest.current.onLink(url, event),
        onFound: setFound,
      });
      if (over) return made.close();
      emulator = made;
      const { createAs } = latest.current;
      const size = made.proposedSize() ?? { cols: 80, rows: 24 };
      link.current = createTerminalLink({
        terminalId,
        create: createAs === null ? null : { name: createAs, ...size },
        send,
        subscribe,
        screen: made,
        onChange: setAttachment,
        onSkipped: (bytes) => setNote(skippedText(bytes)),
        onInputLost: () => setNote(inputLost),
        onRefused: setNote,
        onWriter: (next) =>
          setWriter((before) => {
            setTaken(before !== null && next !== null && before.userId !== next.userId);
            return next;
          }),
        onInputRefused: () => setNote(inputRefused),
      });
      const fit = (): void => {
        const wanted = made.proposedSize();
        if (wanted !== null && latest.current.writable && latest.current.seen) link.current?.requestSize(wanted);
      };
      setHandle({ emulator: made, type, fit });
    };
    start().catch(() => {
      if (!over) setFailed(true);
    });
    return () => {
      over = true;
      link.current?.close();
      link.current = null;
      emulator?.close();
      setHandle(null);
      setAttachment(null);
    };
  }, [place, terminalId, send, subscribe, attempt]);

  const live = connected && running;
  useEffect(() => {
    if (handle === null) return;
    if (live) link.current?.connected();
    else link.current?.disconnected();
  }, [handle, live]);

  useEffect(() => {
    if (handle === null || !seen) return;
    handle.emulator.setSeen(true);
    let frame = 0;
    const observer = new ResizeObserver(() => {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(handle.fit);
    });
    if (place.current !== null) observer.observe(place.current);
    return () => {
      observer.disconnect();
      cancelAnimationFrame(frame);
      handle.emulator.setSeen(false);
    };
  }, [handle, seen, place]);

  useEffect(() => {
    if (handle === null) return;
    handle.emulator.restyle(look);
    handle.fit();
  }, [handle, look, theme]);

  useEffect(() => {
    handle?.emulator.setTypable(writable && attachment?.ended !== true);
  }, [handle, writable, attachment?.ended]);

  // Whose it is has the size of their window.
  useEffect(() => {
    if (writable) handle?.fit();
  }, [handle, writable]);

  return {
    other,
    taken,
    take: () => link.current?.take(),
    handle,
    attachment,
    found,
    note,
    dismissNote: () => setNote(null),
    failed,
    discardWaiting: () => link.current?.discard(),
    retry: () => (failed ? setAttempt((before) => before + 1) : link.current?.connected()),
  };
};

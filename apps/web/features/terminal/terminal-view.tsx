'use client';
/** One terminal: its screen, what is said about it, find, paste, links, and the keys for a phone. */
import { useEffect, useRef, useState } from 'react';
import { X } from 'lucide-react';
import type { TerminalId, TerminalState } from '@remote-claude/contract';

import { visibleName } from '../../lib/open-files';
import { useSessionView } from '../../lib/session-context';
import { useMedia } from '../../lib/use-media';
import { Button, IconButton } from '../../ui/button';
import { Confirm } from '../../ui/confirm';
import { Notice } from '../../ui/notice';
import { isWebLink } from './links';
import { FindBar } from './find-bar';
import { KeyBar } from './key-bar';
import { PasteDialog } from './paste-dialog';
import type { Look } from './emulator';
import { barKeyText, pasteText, runsAtOnce, withCtrl } from './typing';
import { useTerminal } from './use-terminal';

interface TerminalViewProps {
  terminalId: TerminalId;
  name: string;
  /** What the session knows of it; null while it is being opened. */
  known: TerminalState | null;
  seen: boolean;
  /** A person has just turned to it. */
  focused: boolean;
  onFocused: () => void;
  writable: boolean;
  look: Look;
  finding: boolean;
  onFinding: (finding: boolean) => void;
}

/** What is pasted into a program that reads it waits for a moment only, and nobody need know. */
const waitingShownAfterMs = 1_000;

/** True when it has been so for a while. */
const useForAWhile = (isSo: boolean): boolean => {
  const [long, setLong] = useState(false);
  useEffect(() => {
    if (!isSo) return;
    const timer = setTimeout(() => setLong(true), waitingShownAfterMs);
    return () => {
      clearTimeout(timer);
      setLong(false);
    };
  }, [isSo]);
  return long;
};

const kilobytes = (bytes: number): string =>
  bytes < 1_000_000 ? `${Math.ceil(bytes / 1_000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;

/** A dialog lets go of the focus a moment after it is closed. */
const focusBackMs = 50;

const endedWords = ({ exitCode, reason }: TerminalState): string => {
  if (reason !== null) return `This terminal has ended: ${reason}`;
  return exitCode === null ? 'This terminal has ended.' : `This terminal has ended with exit code ${exitCode}.`;
};

/** What the page takes for itself while a terminal has the focus: the way out, search, copy and paste. */
const pageKeyOf = (event: KeyboardEvent): 'pass' | 'find' | 'copy' | null => {
  if (event.key === 'F6') return 'pass';
  if (!event.shiftKey || !(event.ctrlKey || event.metaKey)) return null;
  switch (event.key.toLowerCase()) {
    case 'f':
      return 'find';
    case 'c':
      return 'copy';
    case 'v':
      return 'pass';
    default:
      return null;
  }
};

export const TerminalView = ({
  terminalId,
  name,
  known,
  seen,
  focused,
  onFocused,
  writable,
  look,
  finding,
  onFinding,
}: TerminalViewProps) => {
  const place = useRef<HTMLDivElement>(null);
  const touch = useMedia('(pointer: coarse)');
  const [link, setLink] = useState<string | null>(null);
  const [pasting, setPasting] = useState<string | null>(null);
  const [hint, setHint] = useState<string | null>(null);
  const [ctrl, setCtrl] = useState(false);
  const ended = known?.ended === true;
  const reachable = useSessionView(({ log }) => log.state.place.status === 'running');

  const view = useTerminal(place, {
    terminalId,
    createAs: known === null ? name : null,
    seen,
    look,
    writable: writable && !ended,
    onKey: (event) => {
      const key = pageKeyOf(event);
      if (key === null) return true;
      if (event.type !== 'keydown' || key === 'pass') return false;
      event.preventDefault();
      if (key === 'find') onFinding(true);
      else copy();
      return false;
    },
    onLink: (url, event) => {
      if (!isWebLink(url)) return;
      if (touch || event.ctrlKey || event.metaKey) setLink(url);
      else setHint('Hold Ctrl or ⌘ and click to open a link.');
    },
    onTyped: (text) => {
      if (!ctrl) return text;
      setCtrl(false);
      return withCtrl(text);
    },
  });
  const { handle, attachment } = view;
  const terminal = handle?.emulator.terminal;
  const waiting = useForAWhile(attachment?.phase === 'live' && attachment.heldBytes > 0);

  const copy = (): void => {
    const text = terminal?.getSelection() ?? '';
    if (text !== '')
      navigator.clipboard.writeText(text).catch(() => setHint('This browser does not allow copying here.'));
  };
  const bracketed = (): boolean => terminal?.modes.bracketedPasteMode === true;
  const sendPaste = (text: string): void => {
    handle?.type(pasteText(text, bracketed()));
    terminal?.focus();
  };
  const paste = (text: string): void => {
    if (text === '' || !writable || ended || view.other !== null) return;
    if (runsAtOnce(text, bracketed())) setPasting(text);
    else sendPaste(text);
  };
  const pasteFromClipboard = (): void =>
    void navigator.clipboard
      .readText()
      .then(paste, () =>
        setHint('This browser does not give the clipboard to the page. Hold on the screen and choose Paste.'),
      );

  useEffect(() => {
    if (!seen || !focused || terminal === undefined) return;
    terminal.focus();
    onFocused();
  }, [seen, focused, terminal, onFocused]);
  // A dialog that nothing on the page opened gives the focus back to nothing.
  const asking = pasting !== null || link !== null;
  useEffect(() => {
    if (!asking) return;
    return () => void setTimeout(() => terminal?.focus(), focusBackMs);
  }, [asking, terminal]);
  useEffect(() => {
    if (hint === null) return;
    const timer = setTimeout(() => setHint(null), 4_000);
    return () => clearTimeout(timer);
  }, [hint]);

  const takeOver = (): void => {
    view.take();
    terminal?.focus();
  };
  const closeFind = (): void => {
    handle?.emulator.endFind();
    onFinding(false);
    terminal?.focus();
  };

  return (
    <section
      aria-label={`Terminal ${visibleName(name)}`}
      hidden={!seen}
      data-phase={attachment?.phase ?? 'loading'}
      className="relative flex min-h-0 flex-1 flex-col bg-surface"
    >
      {view.failed && (
        <Notice
          shape="bar"
          tone="danger"
          role="alert"
          action={
            <Button size="sm" onClick={view.retry}>
              Try again
            </Button>
          }
        >
          The terminal could not be loaded.
        </Notice>
      )}
      {attachment?.phase === 'refused' && !ended && (
        <Notice
          shape="bar"
          tone="danger"
          role="alert"
          action={
            <Button size="sm" onClick={view.retry}>
              Try again
            </Button>
          }
        >
          {attachment.refusal}
        </Notice>
      )}
      {known !== null && ended && (
        <Notice shape="bar" tone="info" role="status">
          {endedWords(known)}
          {attachment?.received != null && ' Its screen stays readable until you close it.'}
        </Notice>
      )}
      {view.other !== null && writable && !ended && (
        <Notice
          shape="bar"
          tone="info"
          role="status"
          action={
            <Button size="sm" onClick={takeOver}>
              Take over
            </Button>
          }
        >
          {view.taken ? `${view.other.name} took over and types here now.` : `${view.other.name} types here.`}
        </Notice>
      )}
      {waiting && (
        <Notice
          shape="bar"
          tone="attention"
          role="status"
          action={
            <Button size="sm" onClick={view.discardWaiting}>
              Discard the rest
            </Button>
          }
        >
          The program does not take its input: {kilobytes(attachment?.heldBytes ?? 0)} wait to be typed.
        </Notice>
      )}
      {view.note !== null && (
        <Notice
          shape="bar"
          tone="attention"
          role="status"
          action={
            <IconButton size="sm" label="Dismiss" onClick={view.dismissNote}>
              <X size={14} aria-hidden />
            </IconButton>
          }
        >
          {view.note}
        </Notice>
      )}
      <div className="relative min-h-0 flex-1">
        {seen && finding && handle !== null && (
          <FindBar
            found={view.found}
            onFind={(text, backwards) => handle.emulator.find(text, backwards)}
            onClose={closeFind}
          />
        )}
        {attachment?.phase !== 'live' &&
          attachment?.received == null &&
          reachable &&
          !view.failed &&
          attachment?.phase !== 'refused' && (
            <p role="status" className="absolute top-2 left-3 z-10 font-mono text-xs text-faint">
              Opening the terminal…
            </p>
          )}
        {/* The emulator fills its parent whole: the margin is the parent's own place. */}
        <div
          ref={place}
          onPasteCapture={(event) => {
            event.preventDefault();
            event.stopPropagation();
            paste(event.clipboardData.getData('text/plain'));
          }}
          className="absolute top-2 right-0.5 bottom-1 left-3 overflow-hidden"
        />
        {hint !== null && (
          <p
            role="status"
            className="animate-appear absolute bottom-3 left-1/2 z-10 -translate-x-1/2 rounded-md border border-line bg-raised px-2.5 py-1 text-xs whitespace-nowrap shadow-(--shadow)"
          >
            {hint}
          </p>
        )}
      </div>
      {touch && writable && !ended && view.other === null && (
        <KeyBar
          ctrl={ctrl}
          onCtrl={() => setCtrl(!ctrl)}
          onKey={(key) => {
            handle?.type(barKeyText(key, terminal?.modes.applicationCursorKeysMode === true));
            terminal?.scrollToBottom();
          }}
          onPaste={pasteFromClipboard}
        />
      )}
      <Confirm
        open={link !== null}
        onOpenChange={(open) => !open && setLink(null)}
        title="Open this link?"
        body={visibleName(link ?? '')}
        action="Open in a new tab"
        onConfirm={async () => {
          if (link !== null) window.open(link, '_blank', 'noopener,noreferrer');
          await Promise.resolve();
        }}
      />
      <PasteDialog
        text={pasting}
        onClose={() => setPasting(null)}
        onPaste={(text) => {
          setPasting(null);
          sendPaste(text);
        }}
      />
    </section>
  );
};

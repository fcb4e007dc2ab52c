'use client';
/** Where a person writes to Claude. What is typed is never lost: it is a draft, then a command that is kept until it is stored. */
import { useEffect, useId, useLayoutEffect, useRef, useState, type KeyboardEvent } from 'react';
import { ArrowUp, CircleStop, X } from 'lucide-react';

import { useSession, useSessionView } from '../../lib/session-context';
import { Button, IconButton } from '../../ui/button';
import type { Item } from './item';
import { Meters } from './meters';
import { nextMode } from './options';
import { ModelPicker, ModePicker } from './pickers';
import { matchingCommands, SlashMenu, type SlashCommand } from './slash-menu';
import { useDraft } from './use-draft';

const maxHeightPx = 220;
const maxChars = 200_000;

/** Grows with its text. */
const useGrowing = (text: string) => {
  const area = useRef<HTMLTextAreaElement>(null);
  useLayoutEffect(() => {
    const element = area.current;
    if (element === null) return;
    element.style.height = 'auto';
    element.style.height = `${Math.min(element.scrollHeight, maxHeightPx)}px`;
  }, [text]);
  return area;
};

/** The caret is where Up or Down would leave the text. */
const atEdge = (area: HTMLTextAreaElement, direction: 'older' | 'newer'): boolean => {
  const { selectionStart, selectionEnd, value } = area;
  if (selectionStart !== selectionEnd) return false;
  return direction === 'older'
    ? !value.slice(0, selectionStart).includes('\n')
    : !value.slice(selectionEnd).includes('\n');
};

/** Text put there by something else, such as an example that was chosen. */
export interface Suggestion {
  text: string;
  at: number;
  /** `offer`: what is typed already stays, and the text waits beside it. `take-out`: the text goes again where nobody changed it. */
  kind: 'put' | 'offer' | 'take-out';
}

interface ComposerProps {
  items: readonly Item[];
  suggestion: Suggestion | null;
}

/** A message that came back while something else was typed. */
const Offer = ({ text, onTake, onDismiss }: { text: string; onTake: () => void; onDismiss: () => void }) => (
  <div role="status" className="mb-2 flex items-center gap-2 rounded-lg border border-line bg-surface py-1 pr-1 pl-3.5">
    <p className="min-w-0 flex-1 truncate text-xs text-muted">
      Rewound: <span className="text-text">{text}</span>
    </p>
    <Button size="sm" onClick={onTake}>
      Put before my draft
    </Button>
    <IconButton size="sm" label="Dismiss" onClick={onDismiss}>
      <X size={14} aria-hidden />
    </IconButton>
  </div>
);

export const Composer = ({ items, suggestion }: ComposerProps) => {
  const { id, command, can } = useSession();
  const draft = useDraft(id, items);
  const area = useGrowing(draft.text);
  const turnId = useSessionView(({ log }) => log.state.turn?.turnId);
  const working = turnId !== undefined;
  const commands = useSessionView(({ log }) => log.state.claude.slashCommands);
  const mode = useSessionView(({ log }) => log.state.claude.permissionMode);
  const wanted = useSessionView(({ log }) => log.state.wanted);
  const loaded = useSessionView(({ log }) => log.loaded);
  const asked = useSessionView(({ log }) => log.state.approvals.length > 0);
  const [selected, setSelected] = useState(0);
  const [dismissed, setDismissed] = useState(false);
  const menuId = useId();
  const matches = dismissed ? null : matchingCommands(draft.text, commands);
  // Until it is known who may what, typing is kept and what is sent waits.
  const canWrite = loaded ? can('session.chat.write') && wanted !== 'terminated' : true;
  const tooLong = draft.text.length > maxChars;
  const ready = draft.text.trim() !== '' && !tooLong && canWrite;

  useEffect(() => setSelected(0), [draft.text]);
  const { text: typed, setText, clear } = draft;
  const [offer, setOffer] = useState<string | null>(null);
  const suggested = useRef(suggestion?.at);
  useEffect(() => {
    if (suggestion === null || suggested.current === suggestion.at) return;
    suggested.current = suggestion.at;
    if (suggestion.kind === 'take-out') {
      setOffer((offered) => (offered === suggestion.text ? null : offered));
      if (typed === suggestion.text) clear();
      return;
    }
    if (suggestion.kind === 'offer' && typed.trim() !== '') {
      setOffer(suggestion.text);
      return;
    }
    setText(suggestion.text);
    area.current?.focus();
  }, [suggestion, typed, setText, clear, area]);

  const send = (): void => {
    if (!ready) return;
    command('claude', { prompt: draft.text });
    draft.clear();
  };
  const choose = ({ name, argumentHint }: SlashCommand): void => {
    draft.setText(`/${name.replace(/^\//, '')}${argumentHint === '' ? '' : ' '}`);
    setDismissed(true);
  };

  /** Keys of the list of commands; true where one was taken. */
  const menuKey = (key: string): boolean => {
    if (matches === null) return false;
    const picked = matches[selected];
    if (key === 'ArrowDown') setSelected((selected + 1) % matches.length);
    else if (key === 'ArrowUp') setSelected((selected + matches.length - 1) % matches.length);
    else if (key === 'Escape') setDismissed(true);
    else if (
      (key === 'Enter' || key === 'Tab') &&
      picked !== undefined &&
      draft.text !== `/${picked.name.replace(/^\//, '')}`
    )
      choose(picked);
    else return false;
    return true;
  };

  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>): void => {
    // An input method is still composing: its Enter is not ours.
    if (event.nativeEvent.isComposing) return;
    const { key, shiftKey, currentTarget } = event;
    const taken = ((): boolean => {
      if (!shiftKey && menuKey(key)) return true;
      if (key === 'Enter' && !shiftKey) {
        send();
        return true;
      }
      // With a question above, Shift+Tab is the way up to it.
      if (key === 'Tab' && shiftKey && loaded && canWrite && !asked) {
        command('configure', { permissionMode: nextMode(mode) });
        return true;
      }
      if (key === 'ArrowUp' && atEdge(currentTarget, 'older')) return draft.browse('older');
      if (key === 'ArrowDown' && atEdge(currentTarget, 'newer')) return draft.browse('newer');
      return false;
    })();
    if (!taken) return;
    event.preventDefault();
    event.stopPropagation();
  };

  const placeholder = !canWrite
    ? wanted === 'terminated'
      ? 'This session is terminated.'
      : 'You may only read this session.'
    : working
      ? 'Write what comes next'
      : 'Ask Claude to do something';
  return (
    <div className="relative">
      {offer !== null && canWrite && (
        <Offer
          text={offer}
          onTake={() => {
            setText(typed.trim() === '' ? offer : `${offer}\n\n${typed}`);
            setOffer(null);
            area.current?.focus();
          }}
          onDismiss={() => setOffer(null)}
        />
      )}
      {matches !== null && <SlashMenu id={menuId} commands={matches} selected={selected} onChoose={choose} />}
      <div className="rounded-xl border border-line-strong bg-surface transition-colors duration-100 focus-within:border-accent focus-within:outline-3 focus-within:outline-accent/15">
        <textarea
          ref={area}
          data-pane-focus
          aria-label="Message to Claude"
          aria-keyshortcuts="Enter"
          role={matches === null ? undefined : 'combobox'}
          aria-expanded={matches === null ? undefined : true}
          aria-controls={matches === null ? undefined : menuId}
          aria-activedescendant={matches === null ? undefined : `${menuId}-${selected}`}
          rows={1}
          value={draft.text}
          disabled={!canWrite}
          placeholder={placeholder}
          onChange={(event) => {
            setDismissed(false);
            draft.setText(event.target.value);
          }}
          onKeyDown={onKeyDown}
          className="block w-full resize-none bg-transparent px-3.5 pt-3 pb-1 text-base outline-none disabled:cursor-not-allowed pointer-coarse:text-[16px]"
        />
        <div className="flex min-w-0 items-center gap-0.5 px-1.5 pb-1.5">
          {loaded && canWrite && (
            <>
              <ModePicker />
              <ModelPicker />
            </>
          )}
          <span className="ml-auto shrink-0 pr-2 pl-1">
            {tooLong ? (
              <span className="text-xs text-danger">
                {draft.text.length.toLocaleString()} of {maxChars.toLocaleString()} characters
              </span>
            ) : (
              <Meters />
            )}
          </span>
          {working && (
            <IconButton
              label="Interrupt"
              keys="Escape"
              onClick={() => command('interrupt', { turnId })}
              disabled={!canWrite}
              className="text-text!"
            >
              <CircleStop size={16} aria-hidden />
            </IconButton>
          )}
          <IconButton
            label={working ? 'Queue this message' : 'Send'}
            keys="Enter"
            onClick={send}
            disabled={!ready}
            className="bg-accent text-on-accent! hover:bg-accent-hover disabled:bg-active disabled:text-faint! disabled:opacity-100"
          >
            <ArrowUp size={16} aria-hidden />
          </IconButton>
        </div>
      </div>
    </div>
  );
};

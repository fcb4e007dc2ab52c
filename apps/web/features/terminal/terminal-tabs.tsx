/** The terminals of a session in a row: choose, rename, close, open another. It does not know what is in them. */
import { useRef, useState } from 'react';
import { CircleStop, Plus, SquareTerminal, X } from 'lucide-react';
import type { TerminalId } from '@remote-claude/contract';

import { cx } from '../../lib/cx';
import { visibleName } from '../../lib/open-files';
import { IconButton } from '../../ui/button';

export interface TerminalTab {
  terminalId: TerminalId;
  name: string;
  ended: boolean;
}

interface TerminalTabsProps {
  tabs: readonly TerminalTab[];
  active: TerminalId | null;
  writable: boolean;
  onChoose: (id: TerminalId) => void;
  onRename: (id: TerminalId, name: string) => void;
  onClose: (id: TerminalId) => void;
  onNew: () => void;
}

const maxNameChars = 80;

const NameInput = ({ name, onDone }: { name: string; onDone: (name: string | null) => void }) => {
  const [text, setText] = useState(name);
  /** Being taken away takes the focus too: it is said once. */
  const said = useRef(false);
  const say = (done: string | null): void => {
    if (!said.current) onDone(done);
    said.current = true;
  };
  return (
    <input
      // The person asked for it just now.
      autoFocus
      type="text"
      value={text}
      maxLength={maxNameChars}
      aria-label="Name of the terminal"
      onFocus={({ target }) => target.select()}
      onChange={({ target }) => setText(target.value)}
      onBlur={() => say(text)}
      onKeyDown={(event) => {
        event.stopPropagation();
        if (event.key === 'Enter') say(text);
        if (event.key === 'Escape') say(null);
      }}
      className="h-6 w-28 rounded-sm border border-accent bg-surface px-1 text-xs outline-none pointer-coarse:text-[16px]"
    />
  );
};

export const TerminalTabs = ({ tabs, active, writable, onChoose, onRename, onClose, onNew }: TerminalTabsProps) => {
  const [renaming, setRenaming] = useState<TerminalId | null>(null);
  const rename = (tab: TerminalTab, name: string | null): void => {
    setRenaming(null);
    const trimmed = name?.trim() ?? '';
    if (trimmed !== '' && trimmed !== tab.name) onRename(tab.terminalId, trimmed);
  };
  return (
    <div className="flex min-w-0 flex-1 items-center">
      <ul aria-label="Terminals" className="flex min-w-0 items-stretch overflow-x-auto [scrollbar-width:none]">
        {tabs.map((tab) => {
          const current = tab.terminalId === active;
          const Icon = tab.ended ? CircleStop : SquareTerminal;
          return (
            <li
              key={tab.terminalId}
              className={cx(
                'group/tab relative flex h-9 shrink-0 items-center border-r border-line pr-1 pl-3',
                current
                  ? 'bg-surface text-text after:absolute after:inset-x-0 after:top-0 after:h-0.5 after:bg-accent'
                  : 'text-muted hover:bg-hover',
              )}
            >
              {renaming === tab.terminalId ? (
                <NameInput name={tab.name} onDone={(name) => rename(tab, name)} />
              ) : (
                <button
                  type="button"
                  aria-current={current ? 'true' : undefined}
                  onClick={() => onChoose(tab.terminalId)}
                  onDoubleClick={() => writable && setRenaming(tab.terminalId)}
                  onKeyDown={(event) => {
                    if (event.key === 'F2' && writable) setRenaming(tab.terminalId);
                    if (event.key === 'Delete' && writable) onClose(tab.terminalId);
                  }}
                  onAuxClick={(event) => event.button === 1 && writable && onClose(tab.terminalId)}
                  className="flex h-full items-center gap-1.5 text-xs font-medium whitespace-nowrap"
                >
                  <Icon size={14} aria-hidden className={current ? 'text-muted' : 'text-faint'} />
                  <span className="max-w-40 truncate">{visibleName(tab.name)}</span>
                  {tab.ended && <span className="font-normal text-faint">ended</span>}
                </button>
              )}
              {writable && (
                <IconButton
                  size="sm"
                  label={`Close ${visibleName(tab.name)}`}
                  onClick={() => onClose(tab.terminalId)}
                  className={cx(
                    'ml-1 min-h-0! min-w-0!',
                    !current && 'opacity-0 group-hover/tab:opacity-100 focus-visible:opacity-100',
                  )}
                >
                  <X size={13} aria-hidden />
                </IconButton>
              )}
            </li>
          );
        })}
      </ul>
      {writable && (
        <IconButton label="New terminal" onClick={onNew} className="mx-1">
          <Plus size={15} aria-hidden />
        </IconButton>
      )}
    </div>
  );
};

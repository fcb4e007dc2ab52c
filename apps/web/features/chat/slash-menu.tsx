'use client';
/** The commands that begin with a slash, filtered by what is typed. The focus stays in the composer. */
import { useEffect, useRef } from 'react';

import { cx } from '../../lib/cx';

export interface SlashCommand {
  name: string;
  description: string;
  argumentHint: string;
}

/** Null where the text is no command, or already has its argument. */
export const matchingCommands = (text: string, commands: readonly SlashCommand[]): readonly SlashCommand[] | null => {
  const match = /^\/(\S*)$/.exec(text);
  if (match === null) return null;
  const typed = (match[1] ?? '').toLowerCase();
  const found = commands.filter(({ name }) => name.replace(/^\//, '').toLowerCase().includes(typed));
  const starts = ({ name }: SlashCommand): number => (name.replace(/^\//, '').toLowerCase().startsWith(typed) ? 0 : 1);
  return found.length === 0 ? null : [...found].sort((a, b) => starts(a) - starts(b)).slice(0, 50);
};

interface SlashMenuProps {
  id: string;
  commands: readonly SlashCommand[];
  selected: number;
  onChoose: (command: SlashCommand) => void;
}

export const SlashMenu = ({ id, commands, selected, onChoose }: SlashMenuProps) => {
  const current = useRef<HTMLDivElement>(null);
  useEffect(() => current.current?.scrollIntoView({ block: 'nearest' }), [selected]);
  return (
    <div
      id={id}
      role="listbox"
      aria-label="Commands"
      className="animate-appear absolute inset-x-0 bottom-full z-20 mb-1 max-h-64 overflow-y-auto rounded-lg border border-line bg-raised p-1 shadow-(--shadow)"
    >
      {commands.map((command, index) => (
        <div
          key={command.name}
          id={`${id}-${index}`}
          ref={index === selected ? current : null}
          role="option"
          tabIndex={-1}
          aria-selected={index === selected}
          onMouseDown={(event) => {
            event.preventDefault();
            onChoose(command);
          }}
          className={cx(
            'target flex cursor-pointer items-baseline gap-2 rounded-md px-2 py-1.5',
            index === selected && 'bg-hover',
          )}
        >
          <span className="shrink-0 font-mono text-xs">/{command.name.replace(/^\//, '')}</span>
          {command.argumentHint !== '' && (
            <span className="shrink-0 font-mono text-xs text-faint">{command.argumentHint}</span>
          )}
          <span className="min-w-0 truncate text-xs text-muted">{command.description}</span>
        </div>
      ))}
    </div>
  );
};

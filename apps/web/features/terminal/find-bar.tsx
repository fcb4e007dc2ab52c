/** Search in a terminal's output. It does not know the emulator. */
import { useEffect, useRef, useState } from 'react';
import { ChevronDown, ChevronUp, X } from 'lucide-react';

import { IconButton } from '../../ui/button';
import type { Found } from './emulator';

interface FindBarProps {
  found: Found;
  onFind: (text: string, backwards: boolean) => void;
  onClose: () => void;
}

const wordsFor = (text: string, { index, count }: Found): string => {
  if (text === '') return '';
  if (count === 0) return 'Nothing found';
  return index < 0 ? `${count} found` : `${index + 1} of ${count}`;
};

export const FindBar = ({ found, onFind, onClose }: FindBarProps) => {
  const [text, setText] = useState('');
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => input.current?.focus(), []);
  return (
    <search
      aria-label="Find in the terminal"
      className="absolute top-2 right-4 z-10 flex items-center gap-1 rounded-lg border border-line bg-raised p-1 pl-2 shadow-(--shadow)"
    >
      <input
        ref={input}
        type="text"
        value={text}
        aria-label="Find"
        placeholder="Find"
        spellCheck={false}
        onChange={({ target }) => {
          setText(target.value);
          onFind(target.value, true);
        }}
        onKeyDown={(event) => {
          if (event.key === 'Enter') onFind(text, !event.shiftKey);
          else if (event.key === 'Escape') onClose();
          else return;
          event.preventDefault();
        }}
        className="h-6 w-40 bg-transparent text-sm outline-none pointer-coarse:text-[16px]"
      />
      <span role="status" className="min-w-20 text-right text-xs text-faint tabular-nums">
        {wordsFor(text, found)}
      </span>
      <IconButton size="sm" label="Earlier match" keys="Enter" onClick={() => onFind(text, true)}>
        <ChevronUp size={14} aria-hidden />
      </IconButton>
      <IconButton size="sm" label="Later match" keys="Shift+Enter" onClick={() => onFind(text, false)}>
        <ChevronDown size={14} aria-hidden />
      </IconButton>
      <IconButton size="sm" label="Close the search" keys="Escape" onClick={onClose}>
        <X size={14} aria-hidden />
      </IconButton>
    </search>
  );
};

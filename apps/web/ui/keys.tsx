'use client';
/** Keys as they stand on the keyboard: `Mod+K` is Ctrl or Command, as this machine has it. */
import { useEffect, useState } from 'react';

const symbols: Record<string, string> = { Enter: '↵', Shift: '⇧', Alt: 'Alt', Escape: 'Esc', Up: '↑', Down: '↓' };

export const Keys = ({ keys }: { keys: string }) => {
  const [apple, setApple] = useState(false);
  useEffect(() => setApple(/Mac|iPhone|iPad/.test(navigator.userAgent)), []);
  return (
    <span className="inline-flex items-center gap-0.5">
      {keys.split('+').map((key) => (
        <kbd
          key={key}
          className="min-w-4 rounded-sm border border-line bg-sunken px-1 text-center font-sans text-2xs leading-4 text-muted"
        >
          {key === 'Mod' ? (apple ? '⌘' : 'Ctrl') : key === 'Alt' && apple ? '⌥' : (symbols[key] ?? key)}
        </kbd>
      ))}
    </span>
  );
};

'use client';
/** Says to a screen reader, once, what Claude answered when the answer is complete. */
import { useEffect, useRef, useState } from 'react';

import type { Item } from './item';

const spokenChars = 1_500;

export const Announcer = ({ items }: { items: readonly Item[] }) => {
  const [text, setText] = useState('');
  const last = items.at(-1);
  const seen = useRef<string | null | undefined>(undefined);
  const key = last?.key ?? null;
  useEffect(() => {
    // What was there at the first load is read, not announced.
    if (seen.current !== undefined && seen.current !== key && last?.kind === 'text')
      setText(last.text.text.slice(0, spokenChars));
    if (seen.current !== undefined && seen.current !== key && last?.kind === 'turn-end' && last.outcome === 'failed')
      setText(last.reason ?? 'The turn failed.');
    seen.current = key;
  }, [key, last]);
  return (
    <p aria-live="polite" className="sr-only">
      {text}
    </p>
  );
};

'use client';
/** What is typed and not yet sent: it survives reloads, and Up brings back what was sent before. */
import { useEffect, useMemo, useRef, useState } from 'react';

import { useMe } from '../../lib/queries';
import { draftKey, recallText, remember } from '../../lib/storage';
import type { Item } from './item';

export interface Draft {
  text: string;
  setText(text: string): void;
  /** Replaces the text by the message before or after; false where there is none. */
  browse(direction: 'older' | 'newer'): boolean;
  clear(): void;
}

export const useDraft = (sessionId: string, items: readonly Item[]): Draft => {
  const key = draftKey(useMe().data?.user.id ?? '', sessionId);
  const [text, setTextNow] = useState('');
  const [at, setAt] = useState<number | null>(null);
  const own = useRef('');
  useEffect(() => setTextNow(recallText(key)), [key]);

  const past = useMemo(() => items.flatMap((item) => (item.kind === 'message' ? [item.text.text] : [])), [items]);
  return {
    text,
    setText: (next) => {
      setAt(null);
      setTextNow(next);
      // At once: a reload gives no second chance.
      remember(key, next);
    },
    browse: (direction) => {
      const from = at ?? past.length;
      const to = from + (direction === 'older' ? -1 : 1);
      if (to < 0 || to > past.length || (direction === 'newer' && at === null)) return false;
      if (at === null) own.current = text;
      setAt(to === past.length ? null : to);
      setTextNow(to === past.length ? own.current : (past[to] ?? ''));
      return true;
    },
    clear: () => {
      setAt(null);
      setTextNow('');
      remember(key, null);
    },
  };
};

'use client';
/** The tab's title and icon: they say when something waits, for whoever looks elsewhere. */
import { useEffect } from 'react';
import type { ShownStatus } from '@remote-claude/contract';

import { assetUrl } from '../../lib/base-path';

const setIcon = (name: string): void => {
  const link = document.querySelector<HTMLLinkElement>('link[rel="icon"]');
  if (link !== null) link.href = assetUrl(name);
};

/** `waiting` counts what needs an answer anywhere. */
export const usePageTitle = (title: string, waiting: number, shown: ShownStatus | null): void => {
  useEffect(() => {
    document.title = waiting > 0 ? `(${waiting}) ${title}` : title;
  }, [title, waiting]);
  useEffect(() => {
    setIcon(waiting > 0 ? '/icon-attention.svg' : shown === 'working' ? '/icon-working.svg' : '/icon.svg');
    return () => setIcon('/icon.svg');
  }, [waiting, shown]);
};

'use client';
/** Sessions of this person as they change, while mounted. Lists are right without it, only later. */
import { useEffect } from 'react';
import { useQueryClient } from '@tanstack/react-query';

export const useLiveSessions = (enabled: boolean): void => {
  const queries = useQueryClient();
  useEffect(() => {
    if (!enabled) return;
    let stop: (() => void) | null = null;
    let over = false;
    // The library comes after the first paint.
    void import('./live-sessions').then(({ followSessions }) => {
      if (!over) stop = followSessions(queries);
    });
    return () => {
      over = true;
      stop?.();
    };
  }, [enabled, queries]);
};

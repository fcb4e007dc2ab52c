'use client';
/** How many questions wait over all sessions, on every page, and the way to them. */
import { useEffect } from 'react';
import { useQueryClient } from '@tanstack/react-query';
import { Bell } from 'lucide-react';

import { approvalsKey, useSessions } from '../../lib/queries';
import { IconButton } from '../../ui/button';

export const InboxBell = ({ onOpen }: { onOpen: () => void }) => {
  const queries = useQueryClient();
  const { data = [] } = useSessions();
  const waiting = data.reduce((sum, { openApprovals }) => sum + openApprovals, 0);
  const open = data.map(({ id, openApprovals }) => (openApprovals > 0 ? `${id}:${openApprovals}` : '')).join('');
  // The sessions come live; the list of questions follows them.
  useEffect(() => {
    void queries.invalidateQueries({ queryKey: approvalsKey });
  }, [open, queries]);
  const words = waiting === 0 ? 'Nothing waits for you' : waiting === 1 ? '1 waits for you' : `${waiting} wait for you`;
  return (
    <IconButton label={words} keys="Alt+I" onClick={onOpen} className="shrink-0">
      {/* The mark keeps to the bell, however large the button is. */}
      <span className="relative">
        <Bell size={16} aria-hidden />
        {waiting > 0 && (
          <span
            aria-hidden
            data-testid="inbox-count"
            className="absolute -top-2 left-2 grid h-4 min-w-4 place-items-center rounded-full bg-attention-soft px-1 text-2xs font-semibold text-attention tabular-nums ring-1 ring-surface"
          >
            {waiting > 99 ? '99+' : waiting}
          </span>
        )}
      </span>
    </IconButton>
  );
};

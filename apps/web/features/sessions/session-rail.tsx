'use client';
/** The sessions at the side of every page: where they stand at a glance, and the way to each. */
import { useState } from 'react';
import Link from 'next/link';
import { Plus, Search } from 'lucide-react';
import { shownWords } from '@remote-claude/contract';

import { cx } from '../../lib/cx';
import { useSessions } from '../../lib/queries';
import { IconButton } from '../../ui/button';
import { StatusDot } from '../../ui/status';
import { groupSessions, matches } from './group-sessions';

interface SessionRailProps {
  /** The session that is shown. */
  current: string | null;
  onCreate: () => void;
  onNavigate: () => void;
}

export const SessionRail = ({ current, onCreate, onNavigate }: SessionRailProps) => {
  const { data, isPending } = useSessions();
  const [search, setSearch] = useState('');
  const found = (data ?? []).filter((session) => matches(session, search));
  return (
    <nav aria-label="Sessions" data-pane="sessions" className="flex min-h-0 flex-1 flex-col">
      <div className="flex items-center gap-1 px-2 pb-2">
        <div className="relative flex-1">
          <Search
            size={14}
            className="pointer-events-none absolute top-1/2 left-2 -translate-y-1/2 text-faint"
            aria-hidden
          />
          <input
            type="search"
            aria-label="Filter sessions"
            placeholder="Filter"
            value={search}
            onChange={(event) => setSearch(event.target.value)}
            className="target h-7 w-full rounded-md border border-transparent bg-hover pr-2 pl-7 text-sm outline-none focus:border-accent focus:bg-surface pointer-coarse:text-[16px]"
          />
        </div>
        <IconButton label="New session" keys="Alt+N" onClick={onCreate}>
          <Plus size={16} aria-hidden />
        </IconButton>
      </div>
      <div className="min-h-0 flex-1 overflow-y-auto px-2 pb-3">
        {isPending &&
          [70, 52, 62].map((width) => (
            <div key={width} className="flex h-8 items-center px-2">
              <div className="skeleton h-3" style={{ width: `${width}%` }} />
            </div>
          ))}
        {data?.length === 0 && <p className="px-2 py-1 text-xs text-faint">No sessions yet.</p>}
        {data !== undefined && data.length > 0 && found.length === 0 && (
          <p className="px-2 py-1 text-xs text-faint">No session matches.</p>
        )}
        {groupSessions(found).map(({ key, title, sessions }) => (
          <section key={key} className="mt-3 first:mt-0">
            <h2 className="px-2 pb-1 text-2xs font-medium text-faint">{title}</h2>
            <ul>
              {sessions.map((session) => (
                <li key={session.id}>
                  <Link
                    href={`/sessions/${session.id}`}
                    aria-current={session.id === current ? 'page' : undefined}
                    onClick={onNavigate}
                    className={cx(
                      'target flex h-8 items-center gap-2.5 rounded-md px-2 transition-colors duration-100',
                      session.id === current ? 'bg-active font-medium' : 'text-muted hover:bg-hover hover:text-text',
                    )}
                  >
                    <StatusDot shown={session.shown} />
                    <span className="min-w-0 flex-1 truncate">{session.name}</span>
                    {session.openApprovals > 0 && (
                      <span className="rounded-full bg-attention-soft px-1.5 text-2xs font-medium text-attention tabular-nums">
                        {session.openApprovals}
                        <span className="sr-only"> open approvals</span>
                      </span>
                    )}
                    <span className="sr-only">, {shownWords[session.shown]}</span>
                  </Link>
                </li>
              ))}
            </ul>
          </section>
        ))}
      </div>
    </nav>
  );
};

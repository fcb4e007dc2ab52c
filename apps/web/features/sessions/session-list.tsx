'use client';
/** All sessions, with their state in words and what can be done next. */
import { useState } from 'react';
import Link from 'next/link';
import { Plus, Search, ShieldQuestion, SquareDashed } from 'lucide-react';
import type { Session } from '@remote-claude/contract';

import { sentenceOf } from '../../lib/client';
import { cx } from '../../lib/cx';
import { useSessions } from '../../lib/queries';
import { ago, dateOf, exactTime, money } from '../../lib/time';
import { useNow } from '../../lib/use-now';
import { Button } from '../../ui/button';
import { Empty } from '../../ui/empty';
import { controlClass } from '../../ui/field';
import { Notice } from '../../ui/notice';
import { SelectField } from '../../ui/select';
import { StatusWord } from '../../ui/status';
import { groupingChoices, groupSessions, matches } from './group-sessions';
import { SessionMenu } from './session-menu';
import { everyProject, useListChoices } from './list-choices';
import { allowedActions, useSessionActions, useSessionRights } from './use-session-actions';

const Row = ({ session, now, showProject }: { session: Session; now: number; showProject: boolean }) => {
  const { start, busy } = useSessionActions(session.id);
  const rights = useSessionRights(session);
  const disk = session.diskUntil === null ? null : `Disk until ${dateOf(session.diskUntil)}`;
  const words = session.reason ?? session.step ?? disk;
  return (
    <li className="group relative flex items-center gap-3 px-4 py-2.5 hover:bg-hover">
      <div className="min-w-0 flex-1">
        <div className="flex items-center gap-2.5">
          <Link href={`/sessions/${session.id}`} className="min-w-0 truncate font-medium after:absolute after:inset-0">
            {session.name}
          </Link>
          {!rights.own && <span className="shrink-0 text-xs text-faint">of {session.ownerName}</span>}
          {showProject && !session.project.isPersonal && (
            <span className="max-w-40 shrink-0 truncate text-xs text-muted max-sm:hidden">{session.project.name}</span>
          )}
          {session.openApprovals > 0 && (
            <span className="inline-flex shrink-0 items-center gap-1 rounded-full max-sm:hidden bg-attention-soft px-1.5 text-2xs font-medium text-attention">
              <ShieldQuestion size={12} aria-hidden />
              {session.openApprovals} open
            </span>
          )}
        </div>
        {words !== null && (
          <p
            className={cx('truncate text-xs', session.shown === 'failed' ? 'text-danger' : 'text-muted')}
            title={words}
          >
            {words}
          </p>
        )}
      </div>
      <span className="shrink-0 md:w-28">
        <StatusWord shown={session.shown} />
      </span>
      <time
        dateTime={session.lastActivity}
        title={exactTime(session.lastActivity)}
        className="hidden w-24 shrink-0 text-xs whitespace-nowrap text-faint sm:block"
      >
        {ago(session.lastActivity, now)}
      </time>
      <span className="hidden w-14 shrink-0 text-right text-xs text-faint tabular-nums md:block">
        {money(session.costUsd)}
      </span>
      <span className="relative flex shrink-0 items-center justify-end gap-1 sm:w-26">
        {rights.manage && allowedActions(session).start && (
          <Button size="sm" busy={busy} onClick={() => start()} className="max-sm:hidden">
            {session.shown === 'failed' && session.wanted === 'running' ? 'Try again' : 'Resume'}
          </Button>
        )}
        <SessionMenu session={session} />
      </span>
    </li>
  );
};

const ListSkeleton = () => (
  <div aria-busy="true" className="divide-y divide-line rounded-lg border border-line bg-surface">
    <span className="sr-only">Loading sessions</span>
    {[56, 40, 64].map((width) => (
      <div key={width} className="flex h-[53px] items-center justify-between px-4">
        <div className="skeleton h-3.5" style={{ width: `${width}%` }} />
        <div className="skeleton h-3.5 w-20" />
      </div>
    ))}
  </div>
);

export const SessionList = ({ onCreate }: { onCreate: () => void }) => {
  const [terminated, setTerminated] = useState(false);
  const [search, setSearch] = useState('');
  const { data, error, isPending } = useSessions(terminated);
  const now = useNow(30_000);
  const { projects, grouping, setGrouping, project, setProject } = useListChoices(data ?? []);
  const found = (data ?? []).filter(
    (session) => matches(session, search) && (project === everyProject || session.project.id === project),
  );
  if (data?.length === 0 && !terminated) {
    return (
      <Empty
        icon={<SquareDashed size={18} aria-hidden />}
        title="No sessions yet"
        action={
          <div className="flex flex-col items-center gap-2">
            <Button variant="primary" size="lg" icon={<Plus size={16} aria-hidden />} onClick={onCreate}>
              New session
            </Button>
            <Button variant="ghost" onClick={() => setTerminated(true)}>
              Show terminated
            </Button>
          </div>
        }
      >
        A session is a folder of its own with one Claude in it, apart from everything else on this machine.
      </Empty>
    );
  }
  return (
    <>
      <div className="mb-4 flex flex-wrap items-center gap-2">
        <div className="relative min-w-44 flex-1">
          <Search
            size={14}
            className="pointer-events-none absolute top-1/2 left-2.5 -translate-y-1/2 text-faint"
            aria-hidden
          />
          <input
            type="search"
            aria-label="Search sessions"
            placeholder="Search sessions"
            value={search}
            onChange={(event) => setSearch(event.target.value)}
            className={cx(controlClass, 'target h-8 pr-2 pl-8')}
          />
        </div>
        {projects.length > 1 && (
          <>
            <div className="w-40 max-sm:w-[calc(50%-4px)]">
              <SelectField
                label="Project"
                hideLabel
                value={project}
                choices={[{ value: everyProject, label: 'All projects' }, ...projects]}
                onChange={setProject}
              />
            </div>
            <div className="w-36 max-sm:w-[calc(50%-4px)]">
              <SelectField
                label="Grouped"
                hideLabel
                value={grouping}
                choices={groupingChoices}
                onChange={setGrouping}
              />
            </div>
          </>
        )}
        <Button
          aria-pressed={terminated}
          variant="ghost"
          onClick={() => setTerminated(!terminated)}
          className={terminated ? 'bg-active! text-text!' : ''}
        >
          Show terminated
        </Button>
      </div>
      {error !== null && data === undefined && (
        <Notice tone="danger" role="alert">
          {sentenceOf(error)}
        </Notice>
      )}
      {isPending && <ListSkeleton />}
      {data !== undefined && found.length === 0 && <p className="py-10 text-center text-muted">No session matches.</p>}
      {groupSessions(found, grouping).map(({ key, title, sessions }) => (
        <section key={key} aria-label={title} className="mb-6">
          <h2 className="mb-1.5 px-1 text-xs font-medium text-muted">
            {title} <span className="text-faint tabular-nums">{sessions.length}</span>
          </h2>
          <ul className="divide-y divide-line overflow-hidden rounded-lg border border-line bg-surface">
            {sessions.map((session) => (
              <Row key={session.id} session={session} now={now} showProject={grouping === 'status'} />
            ))}
          </ul>
        </section>
      ))}
    </>
  );
};

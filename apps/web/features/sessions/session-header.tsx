'use client';
/** The header of a session's page: its name (renamed in place), its state, its cost, what can be done. */
import { useState, type ReactNode } from 'react';
import { FolderKanban } from 'lucide-react';
import { shownStatusOf, type Session } from '@remote-claude/contract';
import { toast } from 'sonner';

import { sentenceOf } from '../../lib/client';
import { useSession, useSessionView } from '../../lib/session-context';
import { dateOf, money } from '../../lib/time';
import { StatusWord } from '../../ui/status';
import { ForkedFrom } from './forked-from';
import { SessionMenu } from './session-menu';
import { allowedActions, useSessionActions, useSessionRights } from './use-session-actions';

const Name = ({ session, name }: { session: Session; name: string }) => {
  const actions = useSessionActions(session.id);
  const { manage } = useSessionRights(session);
  const [draft, setDraft] = useState<string | null>(null);
  const save = (): void => {
    const next = draft?.trim() ?? '';
    setDraft(null);
    if (next !== '' && next !== name) actions.rename(next).catch((thrown: unknown) => toast.error(sentenceOf(thrown)));
  };
  if (draft !== null) {
    return (
      <input
        autoFocus
        aria-label="Session name"
        value={draft}
        maxLength={120}
        onChange={(event) => setDraft(event.target.value)}
        onFocus={(event) => event.target.select()}
        onBlur={save}
        onKeyDown={(event) => {
          if (event.key === 'Enter') save();
          if (event.key === 'Escape') setDraft(null);
        }}
        className="h-7 min-w-0 flex-1 rounded-md border border-accent bg-surface px-1.5 text-base font-semibold tracking-tight outline-none"
      />
    );
  }
  return (
    <h1 className="min-w-0">
      <button
        type="button"
        title="Rename"
        disabled={!manage || !allowedActions(session).rename}
        onClick={() => setDraft(name)}
        className="block max-w-full truncate rounded-md px-1.5 py-0.5 text-base font-semibold tracking-tight hover:bg-hover disabled:hover:bg-transparent"
      >
        {name}
      </button>
    </h1>
  );
};

export const SessionHeader = ({ session, start, panes }: { session: Session; start: ReactNode; panes: ReactNode }) => {
  const state = useSessionView(({ log }) => (log.loaded ? log.state : null));
  const { socket } = useSession();
  const shown = state === null ? session.shown : shownStatusOf(state);
  const name = state === null || state.name === '' ? session.name : state.name;
  // The row tells of stops and starts sooner than the log of a place that is gone.
  const current = {
    ...session,
    name,
    shown: socket.connected ? shown : session.shown,
    wanted: state?.wanted ?? session.wanted,
  };
  return (
    <header className="flex h-11 shrink-0 items-center pointer-coarse:h-13 gap-2 border-b border-line bg-surface px-2">
      {start}
      <Name session={current} name={name} />
      <StatusWord
        shown={shown}
        className="shrink-0"
        {...(shown === 'terminated' &&
          session.diskUntil !== null && { note: `disk until ${dateOf(session.diskUntil)}` })}
      />
      {!session.project.isPersonal && (
        <span className="inline-flex max-w-48 min-w-0 items-center gap-1 text-xs text-muted max-md:hidden">
          <FolderKanban size={12} className="shrink-0" aria-hidden />
          <span className="sr-only">Project</span>
          <span className="truncate">{session.project.name}</span>
        </span>
      )}
      {session.forkedFrom !== null && <ForkedFrom from={session.forkedFrom} className="max-md:hidden" />}
      <span className="flex-1" />
      <span className="text-xs text-faint tabular-nums max-md:hidden" title="Cost of this session so far">
        {money(state?.costUsd ?? session.costUsd)}
      </span>
      {panes}
      <SessionMenu session={current} />
    </header>
  );
};

'use client';
/** What the session's place does when it does not simply run: the start as a checklist, its place in line, or what is wrong. */
import { useState, type ReactNode } from 'react';
import { Check, CircleAlert, LoaderCircle, Play, PlugZap } from 'lucide-react';
import { isSettingUp, shownStatusOf, type PlaceStatus, type Session } from '@remote-claude/contract';
import { toast } from 'sonner';

import { sentenceOf } from '../../lib/client';
import { cx } from '../../lib/cx';
import { useSession, useSessionView } from '../../lib/session-context';
import { clock, dateOf } from '../../lib/time';
import { useNow } from '../../lib/use-now';
import { Button } from '../../ui/button';
import { DevContainerCard } from './dev-container-card';
import { SetupFailed, SetupOutput } from './setup-card';
import { useSessionActions, useSessionRights } from './use-session-actions';

type Progress = 'done' | 'now' | 'later';

/** The steps of every start, in order; the server names the one that is under way in its own words. */
const stepsOf = (status: PlaceStatus, setsUp: boolean): { word: string; progress: Progress }[] => {
  const at = status === 'none' || status === 'queued' ? 0 : status === 'starting' ? 1 : 2;
  const setUp = setsUp ? ['Running the set-up script'] : [];
  return ['Queued', 'Making its place', ...setUp, 'Claude is ready'].map((word, index) => ({
    word,
    progress: index < at ? 'done' : index === at ? 'now' : 'later',
  }));
};

const Starting = ({ leave }: { /** Stands where it waits in line, for whoever may stop it. */ leave: ReactNode }) => {
  const place = useSessionView(({ log }) => log.state.place);
  const setsUp = useSessionView(({ log }) => isSettingUp(log.state));
  const now = useNow(1_000);
  const waits = place.status === 'queued';
  return (
    <section
      aria-label="Start"
      data-testid="start-checklist"
      className="mb-2 rounded-lg border border-line bg-surface px-3.5 py-2.5"
    >
      <div className="flex items-baseline justify-between gap-3">
        <h3 className="font-medium">{waits ? 'Waiting in line for a place' : 'Starting the session'}</h3>
        {place.since !== null && !waits && (
          <span className="text-xs text-faint tabular-nums">{clock(now - Date.parse(place.since))}</span>
        )}
      </div>
      <ol className="mt-1.5">
        {stepsOf(place.status, setsUp).map(({ word, progress }) => (
          <li
            key={word}
            aria-current={progress === 'now' ? 'step' : undefined}
            className={cx('flex items-center gap-2 py-0.5', progress === 'later' && 'text-faint')}
          >
            <span className="grid size-4 shrink-0 place-items-center">
              {progress === 'done' && <Check size={14} className="text-ok" aria-hidden />}
              {progress === 'now' && <LoaderCircle size={14} className="animate-spin text-working" aria-hidden />}
              {progress === 'later' && <span className="size-1.5 rounded-full bg-line-strong" aria-hidden />}
            </span>
            <span className="min-w-0 truncate">{progress === 'now' ? (place.step ?? word) : word}</span>
          </li>
        ))}
      </ol>
      {setsUp && <SetupOutput />}
      {waits && (
        <div className="mt-1.5 flex flex-wrap items-center justify-between gap-x-3 gap-y-2">
          <p role="status" className="min-w-0 flex-1 basis-60">
            {place.reason} <span className="text-muted">{place.next}</span>
          </p>
          {leave}
        </div>
      )}
      {!waits && place.reason !== null && (
        <p className="mt-1.5 text-xs break-words text-muted">{[place.reason, place.next].filter(Boolean).join(' ')}</p>
      )}
      <p className="mt-1.5 text-xs text-faint">You can write already; it is sent when Claude is ready.</p>
    </section>
  );
};

/** Who may not start it knows at least who may. */
const AskOwner = ({ session }: { session: Session }) => (
  <p className="shrink-0 text-xs text-muted">{session.ownerName} can resume it.</p>
);

/** Asks once more: what may still be brought back is not on the disk that the session has from then on. */
const EmptyDisk = ({ busy, start }: { busy: boolean; start: () => void }) => {
  const [isSure, setSure] = useState(false);
  return (
    <Button size="sm" busy={busy} onClick={isSure ? start : () => setSure(true)}>
      {isSure ? 'Yes, without its files' : 'Start with an empty disk'}
    </Button>
  );
};

const tell = (thrown: unknown): void => void toast.error(sentenceOf(thrown));

export const PlaceCard = ({ session, onCreate }: { session: Session; onCreate: () => void }) => {
  const state = useSessionView(({ log }) => (log.loaded ? log.state : null));
  const { start, stop, busy } = useSessionActions(session.id);
  const { manage } = useSessionRights(session);
  const mayStart = useSession().can('session.start');
  if (state === null) return null;
  const shown = shownStatusOf(state);
  const { reason, next } = state.place;
  const words = [reason, next].filter(Boolean).join(' ');
  switch (shown) {
    case 'starting':
    case 'queued':
      return (
        <Starting
          leave={
            manage && (
              <Button size="sm" busy={busy} onClick={() => void stop().catch(tell)}>
                Leave the line
              </Button>
            )
          }
        />
      );
    case 'failed':
      return (
        <section
          aria-label={state.wanted === 'running' ? 'Start failed' : 'Stop failed'}
          className="mb-2 flex items-start gap-2.5 rounded-lg bg-danger-soft px-3.5 py-2.5"
        >
          <CircleAlert size={16} className="mt-0.5 shrink-0 text-danger" aria-hidden />
          <p className="min-w-0 flex-1 break-words">{words === '' ? 'The session could not start.' : words}</p>
          {!mayStart && <AskOwner session={session} />}
          {mayStart && (
            <div className="flex shrink-0 flex-col gap-1.5">
              <Button size="sm" busy={busy} onClick={() => start()}>
                {state.wanted === 'running' ? 'Try again' : 'Resume'}
              </Button>
              {manage && state.place.diskGone && <EmptyDisk busy={busy} start={() => start('new')} />}
            </div>
          )}
        </section>
      );
    case 'stopped':
      return (
        <section
          aria-label="Stopped"
          className="mb-2 flex items-center gap-2.5 rounded-lg border border-line bg-surface px-3.5 py-2.5"
        >
          <p className="min-w-0 flex-1 text-muted">
            {words === '' ? 'This session is stopped. Files and history are kept.' : words}
          </p>
          {!mayStart && <AskOwner session={session} />}
          {mayStart && (
            <Button size="sm" busy={busy} icon={<Play size={14} aria-hidden />} onClick={() => start()}>
              Resume
            </Button>
          )}
        </section>
      );
    case 'unreachable':
      return (
        <section
          aria-label="Unreachable"
          role="status"
          className="mb-2 flex items-start gap-2.5 rounded-lg bg-attention-soft px-3.5 py-2.5"
        >
          <PlugZap size={16} className="mt-0.5 shrink-0 text-attention" aria-hidden />
          <p className="min-w-0 flex-1">
            {words === '' ? 'The session does not answer, and is still running. It comes back by itself.' : words} What
            you send waits. If it stays so, stop it and resume it: files and history are kept.
          </p>
          {manage && (
            <Button size="sm" busy={busy} onClick={() => void stop().catch(tell)}>
              Stop
            </Button>
          )}
        </section>
      );
    case 'stopping':
      return (
        <p role="status" className="mb-2 px-3.5 text-xs text-muted">
          {words === '' ? 'Stopping: what runs is being ended. Files and history are kept.' : words}
        </p>
      );
    case 'terminated':
      return (
        <section
          aria-label="Terminated"
          className="mb-2 flex flex-wrap items-center gap-2.5 rounded-lg border border-line bg-surface px-3.5 py-2.5"
        >
          <p className="min-w-0 flex-1 basis-48 text-muted">
            This session is terminated and cannot be resumed. Its history stays readable
            {session.diskUntil === null ? '.' : `; its files are kept until ${dateOf(session.diskUntil)}.`} {reason}
          </p>
          <Button size="sm" onClick={onCreate}>
            New session
          </Button>
        </section>
      );
    case 'working':
    case 'needs_input':
    case 'idle':
    case 'completed':
      return (
        <>
          <SetupFailed session={session} />
          <DevContainerCard session={session} />
        </>
      );
  }
};

'use client';
/** Before a rewind: what would change, and whether the conversation, the files or both go back. */
import { lazy, Suspense, useId, useState } from 'react';
import { useQuery } from '@tanstack/react-query';
import { ChevronRight } from 'lucide-react';
import {
  leftOutFolders,
  routes,
  type RewindChange,
  type RewindPreview,
  type RewindWhat,
} from '@remote-claude/contract';

import { wholeText } from '../../lib/blobs';
import { call, sentenceOf } from '../../lib/client';
import { cx } from '../../lib/cx';
import { newCommandId } from '../../lib/ids';
import { useSession } from '../../lib/session-context';
import { Button } from '../../ui/button';
import { Dialog, DialogButtons } from '../../ui/dialog';
import { Notice } from '../../ui/notice';
import { changeSentence, rewindWords, type RewindRequest } from './rewind-words';

const Diff = lazy(async () => ({ default: (await import('../../ui/diff')).Diff }));

const firstShown = 100;
const marks = {
  added: { sign: '+', word: 'comes back', color: 'text-ok' },
  deleted: { sign: '−', word: 'is removed', color: 'text-danger' },
  modified: { sign: '~', word: 'changes', color: 'text-attention' },
  mode: { sign: '~', word: 'gets its permissions back', color: 'text-attention' },
} as const;

const bytes = (size: number | null): string => {
  if (size === null) return '';
  if (size < 1_000) return `${size} B`;
  return size < 1_000_000 ? `${(size / 1_000).toFixed(1)} kB` : `${(size / 1_000_000).toFixed(1)} MB`;
};
const sizesOf = ({ kind, sizeNow, sizeThen }: RewindChange): string => {
  if (kind === 'folder') return 'folder';
  if (kind === 'link') return 'link';
  return sizeNow === null || sizeThen === null || sizeNow === sizeThen
    ? bytes(sizeThen ?? sizeNow)
    : `${bytes(sizeNow)} → ${bytes(sizeThen)}`;
};

type Trees = NonNullable<RewindPreview['files']>;

const FileDiff = ({ trees: { from, to }, path }: { trees: Trees; path: string }) => {
  const { id } = useSession();
  const { data, error } = useQuery({
    queryKey: ['rewind-diff', id, from, to, path],
    queryFn: () => call(routes.checkpoints.diff, { params: { id }, query: { from, to, path } }),
    staleTime: Infinity,
  });
  if (error !== null) return <p className="px-3 py-2 text-xs text-danger">{sentenceOf(error)}</p>;
  if (data === undefined) return <p className="px-3 py-2 text-xs text-muted">Loading…</p>;
  if (!data.shown) return <p className="px-3 py-2 text-xs text-muted">This is no text, or too large to be shown.</p>;
  return (
    <Suspense fallback={null}>
      <Diff before={data.now ?? ''} after={data.rewound ?? ''} path={path} />
    </Suspense>
  );
};

const ChangeRow = ({ trees, change }: { trees: Trees; change: RewindChange }) => {
  const [open, setOpen] = useState(false);
  const { sign, word, color } = marks[change.change];
  const hasDiff = change.kind === 'file' && change.change !== 'mode';
  const row = (
    <>
      <ChevronRight
        size={14}
        className={cx('shrink-0 text-faint', !hasDiff && 'invisible', open && 'rotate-90')}
        aria-hidden
      />
      <span aria-hidden className={cx('w-3 shrink-0 font-mono', color)}>
        {sign}
      </span>
      <span className="min-w-0 flex-1 truncate font-mono text-xs" title={change.path}>
        {change.path}
      </span>
      <span className="sr-only">{word}</span>
      <span className="shrink-0 text-xs text-faint tabular-nums">{sizesOf(change)}</span>
    </>
  );
  const look = 'target flex w-full items-center gap-1.5 px-2 py-1 text-left';
  return (
    <li>
      {hasDiff ? (
        <button
          type="button"
          aria-expanded={open}
          onClick={() => setOpen(!open)}
          className={cx(look, 'hover:bg-hover')}
        >
          {row}
        </button>
      ) : (
        <div className={look}>{row}</div>
      )}
      {open && <FileDiff trees={trees} path={change.path} />}
    </li>
  );
};

const Changes = ({ trees, unchanged }: { trees: Trees; unchanged: string }) => {
  const [all, setAll] = useState(false);
  const { counts, changes, skipped } = trees;
  const total = counts.added + counts.modified + counts.deleted;
  const shown = all ? changes : changes.slice(0, firstShown);
  if (total === 0) return <p className="text-sm text-muted">{unchanged}</p>;
  return (
    <>
      <p className="mb-1.5 text-sm">{changeSentence(counts)}</p>
      <ul
        aria-label="Files that would change"
        className="max-h-[30dvh] divide-y divide-line overflow-y-auto rounded-lg border border-line bg-surface"
        tabIndex={0}
      >
        {shown.map((change) => (
          <ChangeRow key={`${change.path} ${change.change}`} trees={trees} change={change} />
        ))}
      </ul>
      {shown.length < changes.length && (
        <Button size="sm" variant="ghost" onClick={() => setAll(true)}>
          Show all that are listed
        </Button>
      )}
      {changes.length < total && <p className="mt-1 text-xs text-faint">The first {changes.length} are listed.</p>}
      <p className="mt-1.5 text-xs text-faint" title={leftOutFolders.join(', ')}>
        Dependency folders such as {leftOutFolders[0]} stay as they are
        {skipped.count > 0 && `, and so do ${skipped.count} paths that could not be kept`}.
      </p>
    </>
  );
};

const choices: readonly { what: RewindWhat; label: string }[] = [
  { what: 'both', label: 'Conversation and files' },
  { what: 'chat', label: 'Conversation only' },
  { what: 'files', label: 'Files only' },
];

const refusalOf = (what: RewindWhat, { chatRefusal, filesRefusal }: RewindPreview): string | null =>
  (what === 'files' ? null : chatRefusal) ?? (what === 'chat' ? null : filesRefusal);

interface RewindDialogProps {
  request: RewindRequest;
  onClose: () => void;
  /** It is asked for, and will be done or refused; with the whole message that then leaves the conversation. */
  onAsked: (rewindId: string, message: string | null) => void;
}

export const RewindDialog = ({ request, onClose, onAsked }: RewindDialogProps) => {
  const { target, message } = request;
  const words = rewindWords[request.kind];
  const { id } = useSession();
  const name = useId();
  const [chosen, setChosen] = useState<RewindWhat | null>(null);
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<string | null>(null);
  const { data: preview, error } = useQuery({
    queryKey: ['rewind-preview', id, target],
    queryFn: () => call(routes.checkpoints.preview, { params: { id }, query: target }),
    gcTime: 0,
    retry: false,
    refetchOnWindowFocus: false,
  });
  const possible = preview === undefined ? [] : choices.filter(({ what }) => refusalOf(what, preview) === null);
  const what = chosen ?? possible[0]?.what ?? null;
  const problem = failure ?? (error === null ? null : sentenceOf(error));

  const apply = async (): Promise<void> => {
    if (what === null) return;
    setBusy(true);
    setFailure(null);
    try {
      // Before it leaves: who cannot have all of it gets none of it, for half of it would be sent as if it were all.
      const text = message === null || what === 'files' ? null : await wholeText(id, message).catch(() => null);
      const rewindId = newCommandId();
      await call(routes.checkpoints.rewind, { params: { id }, body: { target, what, id: rewindId } });
      onAsked(rewindId, text);
      onClose();
    } catch (thrown) {
      setFailure(sentenceOf(thrown));
      setBusy(false);
    }
  };

  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={words.title}
      description="Everything as it is now is kept first, so this can be undone."
    >
      {problem !== null && (
        <Notice tone="danger" role="alert">
          {problem}
        </Notice>
      )}
      {preview === undefined && error === null && (
        <div aria-busy="true" className="space-y-2 py-1">
          <span className="sr-only">Looking at what would change</span>
          <div className="skeleton h-9 w-full rounded-lg!" />
          <div className="skeleton h-9 w-full rounded-lg!" />
          <div className="skeleton h-24 w-full rounded-lg!" />
        </div>
      )}
      {preview !== undefined && (
        <>
          <fieldset className="min-w-0">
            <legend className="sr-only">{words.legend}</legend>
            {choices.map(({ what: choice, label }) => {
              const refusal = refusalOf(choice, preview);
              return (
                <label
                  key={choice}
                  className={cx(
                    'target flex items-start gap-2.5 rounded-md px-2 py-1.5',
                    refusal === null ? 'cursor-pointer hover:bg-hover' : 'cursor-not-allowed',
                  )}
                >
                  <input
                    type="radio"
                    name={name}
                    className="mt-[3px] size-3.5 shrink-0"
                    checked={what === choice}
                    disabled={refusal !== null}
                    onChange={() => setChosen(choice)}
                  />
                  <span className={cx('min-w-0', refusal !== null && 'text-muted')}>
                    {label}
                    <span className="block text-xs text-muted">{refusal ?? words.hints[choice]}</span>
                  </span>
                </label>
              );
            })}
          </fieldset>
          {preview.files !== null && what !== 'chat' && (
            <div className="mt-3">
              <Changes trees={preview.files} unchanged={words.unchanged} />
            </div>
          )}
        </>
      )}
      <DialogButtons>
        <Button onClick={onClose}>Cancel</Button>
        <Button variant="primary" busy={busy} disabled={what === null} onClick={() => void apply()}>
          {words.action}
        </Button>
      </DialogButtons>
    </Dialog>
  );
};

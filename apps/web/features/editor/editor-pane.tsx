'use client';
/** The open files of the session around, in tabs. Which are open is told by `lib/open-files`. */
import { lazy, Suspense, useEffect, useState, type KeyboardEvent } from 'react';
import { Eye, FileCode2, PencilLine, Save } from 'lucide-react';
import { create, useStore } from 'zustand';

import { useOpenFiles, visibleName } from '../../lib/open-files';
import { useSession } from '../../lib/session-context';
import { Button, IconButton } from '../../ui/button';
import { Dialog, DialogButtons } from '../../ui/dialog';
import { Empty } from '../../ui/empty';
import { FilesAway } from '../../ui/files-away';
import { previewOf } from './content';
import { FileTabs } from './file-tabs';
import { BufferNotices } from './notices';
import type { FileView, OpenBuffers, TextView } from './open-buffers';
import { MarkdownView, OtherView, PictureView } from './other-views';
import { StatusLine } from './status-line';
import type { CursorPlace } from './text-editor';
import { useBuffers } from './use-buffers';

const TextEditor = lazy(async () => ({ default: (await import('./text-editor')).TextEditor }));
const ConflictDiff = lazy(async () => ({ default: (await import('./conflict-diff')).ConflictDiff }));

const noFiles = create<Readonly<Record<string, FileView>>>()(() => ({}));

const Skeleton = () => (
  <div role="status" aria-label="Opening the file" className="flex flex-col gap-2.5 p-4">
    {['40%', '62%', '55%', '30%', '70%', '48%'].map((width) => (
      <div key={width} className="skeleton h-3.5" style={{ width }} />
    ))}
  </div>
);

interface TextBodyProps {
  sessionId: string;
  path: string;
  file: TextView;
  buffers: OpenBuffers;
  writable: boolean;
  previewing: boolean;
}

const TextBody = ({ sessionId, path, file, buffers, writable, previewing }: TextBodyProps) => {
  /** The file whose versions are compared. */
  const [comparing, setComparing] = useState<string | null>(null);
  const [cursor, setCursor] = useState<CursorPlace | null>(null);
  const { model, buffer } = file;
  const theirs = comparing === path && buffer.conflict?.kind === 'changed' ? buffer.conflict.theirs.text : null;
  const preview = previewing ? previewOf(path) : null;
  const readOnly = file.readOnly || !writable;
  const why = file.readOnly
    ? 'A large file, open to be read only.'
    : writable
      ? null
      : 'You may read the files of this session, not change them.';
  const leave = (act: () => void) => () => {
    setComparing(null);
    act();
  };
  return (
    <>
      <BufferNotices
        buffer={buffer}
        readOnly={why}
        comparing={theirs !== null}
        onCompare={() => setComparing(theirs === null ? path : null)}
        onOverwrite={leave(() => buffers.overwrite(path))}
        onTakeTheirs={leave(() => buffers.takeTheirs(path))}
        onSave={() => buffers.save(path)}
      />
      <div className="relative min-h-0 flex-1">
        <Suspense fallback={<Skeleton />}>
          {theirs !== null ? (
            <ConflictDiff theirs={theirs} mine={model} />
          ) : preview === 'markdown' ? (
            <MarkdownView model={model} />
          ) : preview === 'picture' ? (
            <PictureView sessionId={sessionId} path={path} version={buffer.etag ?? ''} />
          ) : (
            <TextEditor
              sessionId={sessionId}
              path={path}
              model={model}
              readOnly={readOnly}
              onSave={() => buffers.save(path)}
              onCursor={setCursor}
            />
          )}
        </Suspense>
      </div>
      <StatusLine path={path} buffer={buffer} language={model.getLanguageId()} cursor={cursor} />
    </>
  );
};

interface CloseDialogProps {
  path: string | null;
  onCancel: () => void;
  onDiscard: () => void;
  onSave: () => void;
}

const CloseDialog = ({ path, onCancel, onDiscard, onSave }: CloseDialogProps) => (
  <Dialog
    open={path !== null}
    onOpenChange={(open) => !open && onCancel()}
    title="Save before closing?"
    description={`${visibleName(path ?? '')} has changes that are not saved.`}
    width="sm"
  >
    <DialogButtons>
      <Button onClick={onCancel}>Cancel</Button>
      <Button onClick={onDiscard}>Discard</Button>
      <Button variant="primary" onClick={onSave}>
        Save and close
      </Button>
    </DialogButtons>
  </Dialog>
);

const Nothing = () => (
  <Empty icon={<FileCode2 size={18} aria-hidden />} title="No file is open">
    Choose one in the files, or on a card of what Claude did.
  </Empty>
);

export const EditorPane = () => {
  const { id, can } = useSession();
  const { files, buffers, failed, away, retry } = useBuffers();
  const { open, close } = useOpenFiles.getState();
  const views = useStore(buffers?.view ?? noFiles);
  const [closing, setClosing] = useState<string | null>(null);
  const [leaving, setLeaving] = useState<string | null>(null);
  const [previews, setPreviews] = useState<ReadonlySet<string>>(new Set());
  const path = files.active;
  const file = path === null ? undefined : views[path];
  const writable = can('session.files.write');
  const dirtyOf = (view: FileView | undefined): boolean => view?.kind === 'text' && view.buffer.dirty;

  const discard = (which: string): void => {
    buffers?.close(which, true);
    close(id, which);
  };
  // A file that is saved to be closed stays open where the save did not go well.
  const leavingView = leaving === null ? undefined : views[leaving];
  useEffect(() => {
    if (leaving === null) return;
    if (leavingView?.kind === 'text' && leavingView.buffer.dirty && leavingView.buffer.saving) return;
    setLeaving(null);
    if (leavingView?.kind === 'text' && leavingView.buffer.dirty) return;
    buffers?.close(leaving, true);
    close(id, leaving);
  }, [leaving, leavingView, buffers, close, id]);
  const requestClose = (which: string): void => {
    if (dirtyOf(views[which])) setClosing(which);
    else discard(which);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key.toLowerCase() !== 's' || !(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey) return;
    event.preventDefault();
    if (path !== null) buffers?.save(path);
  };

  if (files.paths.length === 0) return <Nothing />;
  return (
    <div role="presentation" onKeyDown={onKeyDown} className="flex h-full min-h-0 flex-col bg-surface">
      <div className="flex h-9 shrink-0 items-center border-b border-line bg-bg pr-1">
        <FileTabs
          tabs={files.paths.map((each) => {
            const view = views[each];
            return {
              path: each,
              dirty: dirtyOf(view),
              conflict: view?.kind === 'text' && view.buffer.conflict !== null,
            };
          })}
          active={path}
          onChoose={(which) => open(id, which)}
          onClose={requestClose}
        />
        {path !== null && file?.kind === 'text' && (
          <>
            {previewOf(path) !== null && (
              <IconButton
                label={previews.has(path) ? 'Edit' : 'Preview'}
                onClick={() => {
                  const next = new Set(previews);
                  if (!next.delete(path)) next.add(path);
                  setPreviews(next);
                }}
              >
                {previews.has(path) ? <PencilLine size={15} aria-hidden /> : <Eye size={15} aria-hidden />}
              </IconButton>
            )}
            {writable && !file.readOnly && (
              <IconButton
                label="Save"
                keys="Mod+S"
                disabled={!file.buffer.dirty || file.buffer.saving || file.buffer.conflict !== null}
                onClick={() => buffers?.save(path)}
              >
                <Save size={15} aria-hidden />
              </IconButton>
            )}
          </>
        )}
      </div>
      {failed && (
        <Empty title="The editor could not be loaded" action={<Button onClick={retry}>Try again</Button>}>
          The line broke while the page was fetching it.
        </Empty>
      )}
      {!failed &&
        (file === undefined || file.kind === 'loading') &&
        (away === null ? <Skeleton /> : <FilesAway state={away} what="file" />)}
      {buffers !== null && path !== null && file?.kind === 'text' && (
        <TextBody
          sessionId={id}
          path={path}
          file={file}
          buffers={buffers}
          writable={writable}
          previewing={previews.has(path)}
        />
      )}
      {path !== null && file?.kind === 'picture' && (
        <div className="relative min-h-0 flex-1">
          <PictureView sessionId={id} path={path} version={file.version} />
        </div>
      )}
      {buffers !== null &&
        path !== null &&
        file !== undefined &&
        file.kind !== 'text' &&
        file.kind !== 'picture' &&
        file.kind !== 'loading' && (
          <OtherView
            sessionId={id}
            path={path}
            file={file}
            onRetry={() => buffers.changed(null)}
            onOpenLarge={() => buffers.openLarge(path)}
            onClose={() => discard(path)}
          />
        )}
      <CloseDialog
        path={closing}
        onCancel={() => setClosing(null)}
        onDiscard={() => {
          if (closing !== null) discard(closing);
          setClosing(null);
        }}
        onSave={() => {
          if (closing !== null) buffers?.save(closing);
          setLeaving(closing);
          setClosing(null);
        }}
      />
    </div>
  );
};

'use client';
/** Files that are not edited as text: pictures, Markdown as it reads, what is too large or no text. */
import { lazy, Suspense, useEffect, useState } from 'react';
import { Download, FileQuestionMark, FileWarning, FileX } from 'lucide-react';
import type { editor } from 'monaco-editor/editor/editor.api.js';

import { contentUrl, visibleName } from '../../lib/open-files';
import { Button } from '../../ui/button';
import { Empty } from '../../ui/empty';
import { isPdf, maxShownBytes } from './content';
import type { FileView } from './open-buffers';

const Markdown = lazy(async () => ({ default: (await import('../../ui/markdown')).Markdown }));

const mebibytes = (bytes: number): string => `${(bytes / 1024 ** 2).toFixed(1)} MiB`;

const DownloadButton = ({ sessionId, path }: { sessionId: string; path: string }) => (
  <a
    href={contentUrl(sessionId, path, true)}
    download={path.slice(path.lastIndexOf('/') + 1)}
    className="target inline-flex h-8 items-center gap-2 rounded-md border border-line-strong bg-surface px-3 text-sm font-medium hover:bg-hover"
  >
    <Download size={14} aria-hidden />
    Download
  </a>
);

export const PictureView = ({
  sessionId,
  path,
  version,
}: {
  sessionId: string;
  path: string;
  version: number | string;
}) => {
  const [failed, setFailed] = useState<number | string | null>(null);
  const [size, setSize] = useState<string | null>(null);
  if (failed === version) {
    return (
      <Empty
        icon={<FileX size={18} aria-hidden />}
        title="This picture cannot be shown"
        action={<DownloadButton sessionId={sessionId} path={path} />}
      >
        It is damaged, or of a kind that this browser does not know.
      </Empty>
    );
  }
  return (
    <figure className="absolute inset-0 flex flex-col items-center justify-center gap-3 overflow-auto bg-sunken p-6">
      <img
        key={version}
        src={`${contentUrl(sessionId, path)}?version=${encodeURIComponent(version)}`}
        alt={visibleName(path)}
        onError={() => setFailed(version)}
        onLoad={({ currentTarget: { naturalWidth, naturalHeight } }) =>
          setSize(naturalWidth === 0 ? null : `${naturalWidth} × ${naturalHeight}`)
        }
        className="max-h-[calc(100%-40px)] max-w-full rounded-sm object-contain shadow-(--shadow) [background:repeating-conic-gradient(var(--active)_0_25%,transparent_0_50%)_0_0/16px_16px]"
      />
      {size !== null && <figcaption className="text-xs text-faint tabular-nums">{size}</figcaption>}
    </figure>
  );
};

/** The model's text a moment after it was last changed. */
const useModelText = (model: editor.ITextModel): string => {
  const [text, setText] = useState(() => model.getValue());
  useEffect(() => {
    setText(model.getValue());
    let timer: ReturnType<typeof setTimeout> | undefined;
    const listening = model.onDidChangeContent(() => {
      clearTimeout(timer);
      timer = setTimeout(() => setText(model.getValue()), 200);
    });
    return () => {
      clearTimeout(timer);
      listening.dispose();
    };
  }, [model]);
  return text;
};

export const MarkdownView = ({ model }: { model: editor.ITextModel }) => {
  const text = useModelText(model);
  return (
    <article tabIndex={0} aria-label="Preview" className="absolute inset-0 overflow-y-auto px-6 py-5">
      <div className="mx-auto max-w-180">
        <Suspense fallback={<div className="skeleton h-40" />}>
          <Markdown text={text} />
        </Suspense>
      </div>
    </article>
  );
};

interface OtherViewProps {
  sessionId: string;
  path: string;
  file: Exclude<FileView, { kind: 'text' } | { kind: 'picture' } | { kind: 'loading' }>;
  onRetry: () => void;
  onOpenLarge: () => void;
  onClose: () => void;
}

export const OtherView = ({ sessionId, path, file, onRetry, onOpenLarge, onClose }: OtherViewProps) => {
  const download = <DownloadButton sessionId={sessionId} path={path} />;
  switch (file.kind) {
    case 'failed':
      return (
        <Empty
          icon={<FileWarning size={18} aria-hidden />}
          title="This file could not be opened"
          action={<Button onClick={onRetry}>Try again</Button>}
        >
          {file.error}
        </Empty>
      );
    case 'missing':
      return (
        <Empty
          icon={<FileX size={18} aria-hidden />}
          title="This file is no longer there"
          action={<Button onClick={onClose}>Close</Button>}
        >
          It was deleted or has another name now.
        </Empty>
      );
    case 'binary':
      return (
        <Empty
          icon={<FileQuestionMark size={18} aria-hidden />}
          title={isPdf(path) ? 'A PDF document' : 'Not a text file'}
          action={download}
        >
          {isPdf(path) ? 'Download it to read it.' : 'Its content is not UTF-8 text, so it is not edited here.'}{' '}
          {mebibytes(file.size)}
        </Empty>
      );
    case 'large':
      return (
        <Empty
          icon={<FileWarning size={18} aria-hidden />}
          title="A large file"
          action={
            <>
              {file.size <= maxShownBytes && <Button onClick={onOpenLarge}>Open to read</Button>}
              {download}
            </>
          }
        >
          It has {mebibytes(file.size)}. Files above 5 MiB are not edited here.
        </Empty>
      );
  }
};

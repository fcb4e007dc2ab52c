/** Uploads and how far each is. */
import { useStore } from 'zustand';
import { CircleCheck, CircleX, Pause, Play, X } from 'lucide-react';

import { visibleName } from '../../lib/open-files';
import { plural } from '../../lib/time';
import { Button, IconButton } from '../../ui/button';
import type { Uploads, UploadView } from './uploads';

const percent = ({ sent, size }: UploadView): number => (size === 0 ? 100 : Math.floor((sent / size) * 100));

const sizeWords = (bytes: number): string => {
  if (bytes < 1_024) return `${bytes} B`;
  if (bytes < 1_024 ** 2) return `${(bytes / 1_024).toFixed(0)} KiB`;
  return bytes < 1_024 ** 3 ? `${(bytes / 1_024 ** 2).toFixed(1)} MiB` : `${(bytes / 1_024 ** 3).toFixed(2)} GiB`;
};

const stateWords = (upload: UploadView): string => {
  switch (upload.status) {
    case 'waiting':
      return 'Waiting';
    case 'sending':
      return `${percent(upload)} % of ${sizeWords(upload.size)}`;
    case 'paused':
      return `Paused at ${percent(upload)} %`;
    case 'done':
      return sizeWords(upload.size);
    case 'failed':
      return upload.error ?? 'Failed';
  }
};

const Line = ({ upload, uploads }: { upload: UploadView; uploads: Uploads }) => {
  const name = visibleName(upload.path);
  const { status } = upload;
  return (
    <li className="px-3 py-1.5">
      <div className="flex items-center gap-1.5">
        {status === 'done' && <CircleCheck size={14} aria-hidden className="shrink-0 text-ok" />}
        {status === 'failed' && <CircleX size={14} aria-hidden className="shrink-0 text-danger" />}
        <span className="min-w-0 flex-1 truncate text-xs" title={name}>
          {name}
        </span>
        {status === 'sending' && (
          <IconButton size="sm" label={`Pause ${name}`} onClick={() => uploads.pause(upload.id)}>
            <Pause size={13} aria-hidden />
          </IconButton>
        )}
        {(status === 'paused' || status === 'failed') && (
          <IconButton size="sm" label={`Resume ${name}`} onClick={() => uploads.resume(upload.id)}>
            <Play size={13} aria-hidden />
          </IconButton>
        )}
        <IconButton
          size="sm"
          label={status === 'done' ? `Dismiss ${name}` : `Cancel ${name}`}
          onClick={() => uploads.cancel(upload.id)}
        >
          <X size={13} aria-hidden />
        </IconButton>
      </div>
      {(status === 'sending' || status === 'paused') && (
        <progress
          aria-label={name}
          max={100}
          value={percent(upload)}
          className="my-1 block h-1 w-full appearance-none overflow-hidden rounded-full bg-active [&::-moz-progress-bar]:bg-accent [&::-webkit-progress-bar]:bg-active [&::-webkit-progress-value]:bg-accent"
        />
      )}
      <p className={status === 'failed' ? 'text-xs text-danger' : 'text-xs text-faint tabular-nums'}>
        {stateWords(upload)}
      </p>
    </li>
  );
};

export const UploadList = ({ uploads }: { uploads: Uploads }) => {
  const all = useStore(uploads.view);
  if (all.length === 0) return null;
  const done = all.filter(({ status }) => status === 'done').length;
  return (
    <section aria-label="Uploads" className="shrink-0 border-t border-line bg-bg">
      <div className="flex h-8 items-center justify-between pr-1 pl-3 text-xs text-muted">
        <span role="status">
          {done === all.length
            ? `${plural(done, 'file')} uploaded`
            : `Uploading: ${done} of ${plural(all.length, 'file')}`}
        </span>
        {done > 0 && (
          <Button size="sm" variant="ghost" onClick={() => uploads.clearDone()}>
            Clear
          </Button>
        )}
      </div>
      <ul className="max-h-40 overflow-y-auto pb-1">
        {all.map((upload) => (
          <Line key={upload.id} upload={upload} uploads={uploads} />
        ))}
      </ul>
    </section>
  );
};

/**
 * Uploads of one session: queued, some at a time, resumable, each with its progress. It does not know who shows them.
 * The bytes that the server has acknowledged are never sent again; the file appears when it is whole.
 */
import type { DetailedError, Upload } from 'tus-js-client';
import { createStore, type StoreApi } from 'zustand/vanilla';
import { errorOf, errorTable, type AppError } from '@remote-claude/contract';

import { newUuid } from '../../lib/ids';

export interface UploadView {
  id: string;
  path: string;
  size: number;
  sent: number;
  status: 'waiting' | 'sending' | 'paused' | 'done' | 'failed';
  error: string | null;
}

export interface Uploads {
  view: StoreApi<readonly UploadView[]>;
  add(files: readonly { file: File; path: string }[]): void;
  pause(id: string): void;
  /** Goes on from what the server has. */
  resume(id: string): void;
  /** Nothing of it stays. */
  cancel(id: string): void;
  clearDone(): void;
  close(): void;
}

const atOnce = 3;
const retryDelaysMs = [0, 1_000, 3_000, 5_000, 10_000, 20_000];

/** What the server answered; null where it did not. */
const answerOf = (error: Error): AppError | null => {
  const response = (error as Partial<DetailedError>).originalResponse;
  return response == null ? null : errorOf(response.getStatus(), response.getBody());
};

const sentenceOf = (error: Error): string =>
  answerOf(error)?.message ?? 'The line broke. What has arrived is kept: resume to send the rest.';

/** What the server may do better in a moment; its refusals stand. `conflict`: it has another offset, and is asked for it. */
const mayRetry = (error: DetailedError): boolean => {
  const answer = answerOf(error);
  return answer === null || answer.code === 'conflict' || errorTable[answer.code].retryable;
};

export const createUploads = (endpoint: string): Uploads => {
  const view = createStore<readonly UploadView[]>()(() => []);
  const running = new Map<string, Upload>();
  const files = new Map<string, File>();

  const change = (id: string, patch: Partial<UploadView>): void =>
    view.setState((all) => all.map((one) => (one.id === id ? { ...one, ...patch } : one)), true);

  const settle = (id: string, patch: Partial<UploadView>): void => {
    change(id, patch);
    next();
  };

  const start = async ({ id, path }: UploadView): Promise<void> => {
    const file = files.get(id);
    if (file === undefined) return;
    change(id, { status: 'sending', error: null });
    const tus = await import('tus-js-client').catch(() => null);
    if (tus === null) return settle(id, { status: 'failed', error: 'The line broke. Resume to try again.' });
    const upload = new tus.Upload(file, {
      endpoint,
      retryDelays: retryDelaysMs,
      metadata: { filename: path },
      // By its target too: one file may go to two places.
      fingerprint: () => Promise.resolve(['upload', endpoint, path, file.size, file.lastModified].join('|')),
      removeFingerprintOnSuccess: true,
      onShouldRetry: mayRetry,
      onProgress: (sent) => change(id, { sent }),
      onSuccess: () => settle(id, { status: 'done', sent: file.size }),
      onError: (error) => settle(id, { status: 'failed', error: sentenceOf(error) }),
    });
    running.set(id, upload);
    const previous = await upload.findPreviousUploads().catch(() => []);
    if (previous[0] !== undefined) upload.resumeFromPreviousUpload(previous[0]);
    if (view.getState().some((one) => one.id === id && one.status === 'sending')) upload.start();
  };

  const next = (): void => {
    const all = view.getState();
    const free = atOnce - all.filter(({ status }) => status === 'sending').length;
    for (const upload of all.filter(({ status }) => status === 'waiting').slice(0, Math.max(0, free)))
      void start(upload);
  };

  return {
    view,
    add(chosen) {
      const added = chosen.map(({ file, path }): UploadView => {
        const id = newUuid();
        files.set(id, file);
        return { id, path, size: file.size, sent: 0, status: 'waiting', error: null };
      });
      view.setState((all) => [...all, ...added], true);
      next();
    },
    pause(id) {
      change(id, { status: 'paused' });
      running.get(id)?.abort().then(next, next);
    },
    resume(id) {
      change(id, { status: 'waiting', error: null });
      next();
    },
    cancel(id) {
      const upload = running.get(id);
      running.delete(id);
      files.delete(id);
      view.setState((all) => all.filter((one) => one.id !== id), true);
      // The server forgets by itself what is given up and cannot be told.
      upload?.abort(true).then(next, next);
      if (upload === undefined) next();
    },
    clearDone: () => view.setState((all) => all.filter(({ status }) => status !== 'done'), true),
    close() {
      for (const upload of running.values()) void upload.abort();
    },
  };
};

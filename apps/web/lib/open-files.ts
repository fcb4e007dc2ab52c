/**
 * The work tree as several panes share it: which files are open, how content is read and written, what changes on disk.
 * It does not know trees, editors or Monaco.
 */
import { useEffect, useRef } from 'react';
import { create } from 'zustand';
import {
  addressOf,
  errorOf,
  fileNode,
  routes,
  shownStatusOf,
  type FileChange,
  type FileNode,
  type ShownStatus,
  AppError,
} from '@remote-claude/contract';

import { apiUrl } from './base-path';
import { newUuid } from './ids';
import { useSession, useSessionView } from './session-context';
import { recall, remember } from './storage';
import type { Socket } from './use-websocket';

export interface OpenFiles {
  paths: readonly string[];
  active: string | null;
}

interface OpenFilesStore {
  sessions: Readonly<Record<string, OpenFiles>>;
  lastMove: { sessionId: string; from: string; to: string } | null;
  open(sessionId: string, path: string): void;
  close(sessionId: string, path: string): void;
  /** A file or folder has another path now; what is open of it follows. */
  moved(sessionId: string, from: string, to: string): void;
}

const none: OpenFiles = { paths: [], active: null };
const key = (sessionId: string): string => `open-files.${sessionId}`;

const stored = (sessionId: string): OpenFiles => {
  const value = recall(key(sessionId)) as { paths?: unknown; active?: unknown } | null;
  const paths = Array.isArray(value?.paths)
    ? value.paths.filter((path): path is string => typeof path === 'string' && path !== '')
    : [];
  return { paths, active: paths.find((path) => path === value?.active) ?? paths.at(-1) ?? null };
};

/** Whether `path` is `folder` itself or lies in it. */
export const isWithin = (path: string, folder: string): boolean =>
  path === folder || folder === '' || path.startsWith(`${folder}/`);

export const useOpenFiles = create<OpenFilesStore>()((set, get) => {
  const change = (sessionId: string, next: (before: OpenFiles) => OpenFiles): void => {
    const after = next(get().sessions[sessionId] ?? stored(sessionId));
    set(({ sessions }) => ({ sessions: { ...sessions, [sessionId]: after } }));
    remember(key(sessionId), after.paths.length === 0 ? null : after);
  };
  return {
    sessions: {},
    lastMove: null,
    open: (sessionId, path) =>
      change(sessionId, ({ paths }) => ({ paths: paths.includes(path) ? paths : [...paths, path], active: path })),
    close: (sessionId, path) =>
      change(sessionId, ({ paths, active }) => {
        const at = paths.indexOf(path);
        const rest = paths.filter((other) => other !== path);
        return { paths: rest, active: active === path ? (rest[Math.min(at, rest.length - 1)] ?? null) : active };
      }),
    moved: (sessionId, from, to) => {
      set({ lastMove: { sessionId, from, to } });
      change(sessionId, ({ paths, active }) => {
        const renamed = (path: string): string => (isWithin(path, from) ? to + path.slice(from.length) : path);
        return { paths: [...new Set(paths.map(renamed))], active: active === null ? null : renamed(active) };
      });
    },
  };
});

/** The files that are open in the session around; those of the last visit at first. */
export const useSessionFiles = (): OpenFiles => {
  const { id } = useSession();
  const known = useOpenFiles(({ sessions }) => sessions[id]);
  useEffect(() => {
    if (known === undefined) useOpenFiles.setState(({ sessions }) => ({ sessions: { [id]: stored(id), ...sessions } }));
  }, [known, id]);
  return known ?? none;
};

/** Control characters, and those that turn or hide text: a name must not look like another. */
const hidden =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

/** A name or path as it can be shown: what is invisible is spelt out. */
export const visibleName = (name: string): string =>
  name.replace(hidden, (char) => `⟨U+${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}⟩`);

export const contentUrl = (sessionId: string, path: string, download = false): string =>
  apiUrl() +
  addressOf(routes.files.get, {
    params: { id: sessionId, '*': path },
    query: { download: download ? '1' : undefined },
  });

const ask = async (url: string, init: RequestInit): Promise<Response> => {
  let answer: Response;
  try {
    answer = await fetch(url, { ...init, credentials: 'same-origin' });
  } catch (cause) {
    throw new AppError(
      'unavailable',
      { message: 'The server did not answer. Check the connection and try again.' },
      { cause },
    );
  }
  if (!answer.ok && answer.status !== 304) throw errorOf(answer.status, await answer.text());
  return answer;
};

/** The answer, whose body the caller reads; status 304 where the content is still that of `etag`. */
export const readContent = (sessionId: string, path: string, etag: string | null = null): Promise<Response> =>
  ask(contentUrl(sessionId, path), { cache: 'no-store', headers: etag === null ? {} : { 'if-none-match': etag } });

/** Replaces the version `etag`, or makes a file that must not exist yet (null). Throws `edit_conflict` otherwise. */
export const writeContent = async (
  sessionId: string,
  path: string,
  content: string,
  etag: string | null,
): Promise<FileNode> => {
  const answer = await ask(apiUrl() + addressOf(routes.files.put, { params: { id: sessionId, '*': path } }), {
    method: 'PUT',
    headers: {
      'content-type': 'application/octet-stream',
      ...(etag === null ? { 'if-none-match': '*' } : { 'if-match': etag }),
    },
    body: new Blob([content]),
  });
  return fileNode.parse(await answer.json());
};

/** Followers per socket: the first subscribes, the last takes it back. */
const followers = new WeakMap<Socket['subscribe'], number>();

/** Calls back with what changes on disk; null means that anything may have changed. The callback may be a new one each time. */
export const useFileChanges = (onChanges: (changes: readonly FileChange[] | null) => void): void => {
  const { socket } = useSession();
  const { send, subscribe } = socket;
  const live = useSessionView(
    ({ sync, reachable, log }) => sync === 'live' && reachable && log.state.place.status === 'running',
  );
  const latest = useRef(onChanges);
  useEffect(() => {
    latest.current = onChanges;
  });
  useEffect(() => {
    if (!live) return;
    // The answer to a subscription says to look again: from then on nothing is missed.
    const follow = (action: 'subscribe' | 'unsubscribe'): void =>
      void send({ id: newUuid(), type: 'stream', payload: { action, of: 'files' } });
    const stop = subscribe((message) => {
      if (message instanceof Uint8Array) return;
      if (message.type === 'files-changed') latest.current(message.payload.overflow ? null : message.payload.changes);
      if (message.type === 'place' && message.payload.reachable) follow('subscribe');
    });
    const before = followers.get(subscribe) ?? 0;
    followers.set(subscribe, before + 1);
    if (before === 0) follow('subscribe');
    // Shown at once, and where there is nobody to follow.
    latest.current(null);
    return () => {
      stop();
      const left = (followers.get(subscribe) ?? 1) - 1;
      followers.set(subscribe, left);
      if (left === 0) follow('unsubscribe');
    };
  }, [live, send, subscribe]);
};

/** The session's state where its files cannot be reached for long; null where they are there. */
export const useFilesAway = (): ShownStatus | null =>
  useSessionView(({ log: { loaded, state } }) => {
    if (!loaded) return null;
    // What is there is there too while nobody answers for it.
    const there = state.wanted === 'running' && /^(?:running|unreachable)$/.test(state.place.status);
    return there ? null : shownStatusOf(state);
  });

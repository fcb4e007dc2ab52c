/** What a person does with the files of the session around. It does not know rows, menus or dialogs. */
import { useEffect, useMemo, useState } from 'react';
import { routes, type FileNode, type SessionId } from '@remote-claude/contract';

import { apiUrl } from '../../lib/base-path';
import { call, isCode, sentenceOf } from '../../lib/client';
import { contentUrl, useFileChanges, useOpenFiles, writeContent } from '../../lib/open-files';
import { usePanes } from '../../lib/panes';
import { useSession } from '../../lib/session-context';
import type { SessionStore } from '../../lib/session-store';
import { recall, remember } from '../../lib/storage';
import type { Chosen } from './drop';
import { joinPath, nameOf, parentOf } from './tree';
import { createTreeStore, type TreeStore } from './tree-store';
import { createUploads, type Uploads } from './uploads';

interface Live {
  tree: TreeStore;
  uploads: Uploads;
}

/** As long as a session's page is open: a pane that is closed and opened again finds its tree, and uploads go on meanwhile. */
const lives = new WeakMap<SessionStore, Live>();

const liveOf = (id: SessionId, store: SessionStore): Live => {
  const there = lives.get(store);
  if (there !== undefined) return there;
  const key = `tree.${id}`;
  const stored = recall(key);
  const tree = createTreeStore({
    list: async (path) => (await call(routes.files.list, { params: { id }, query: { path } })).items,
    sentence: sentenceOf,
    expanded: Array.isArray(stored) ? stored.filter((path): path is string => typeof path === 'string') : [],
    onExpanded: (paths) => remember(key, paths.length === 0 ? null : paths),
  });
  const live = { tree, uploads: createUploads(`${apiUrl()}/sessions/${id}/uploads`) };
  lives.set(store, live);
  return live;
};

/** Starts a download without leaving the page. */
const save = (url: string, name: string): void => {
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
};

export const useFiles = () => {
  const { id, store, can } = useSession();
  const { tree, uploads } = useMemo(() => liveOf(id, store), [id, store]);
  const [problem, setProblem] = useState<string | null>(null);
  useFileChanges((changes) => tree.changed(changes));

  // A file that came whole is told like any other change; where nobody tells, it is looked for.
  useEffect(() => {
    let done = 0;
    return uploads.view.subscribe((all) => {
      const finished = all.filter(({ status }) => status === 'done');
      if (finished.length > done)
        for (const folder of new Set(finished.map(({ path }) => parentOf(path)))) void tree.read(folder);
      done = finished.length;
    });
  }, [tree, uploads]);

  const params = { id };
  /** Does it, and says what went wrong; true where it went well. */
  const attempt = async (act: () => Promise<unknown>, ...folders: string[]): Promise<boolean> => {
    try {
      await act();
      setProblem(null);
      // The change is told too; this shows it without waiting.
      await Promise.all(folders.map((folder) => tree.read(folder)));
      return true;
    } catch (error) {
      setProblem(sentenceOf(error));
      return false;
    }
  };

  const open = (path: string): void => {
    useOpenFiles.getState().open(id, path);
    usePanes.getState().show('editor');
  };
  const move = (from: string, to: string): Promise<boolean> =>
    attempt(
      async () => {
        await call(routes.files.move, { params, body: { path: from, to } });
        useOpenFiles.getState().moved(id, from, to);
      },
      parentOf(from),
      parentOf(to),
    );

  return {
    tree,
    uploads,
    writable: can('session.files.write'),
    problem,
    dismiss: (): void => setProblem(null),
    open,
    move,
    rename: (path: string, name: string): Promise<boolean> => move(path, joinPath(parentOf(path), name)),
    newFile: async (path: string): Promise<boolean> => {
      const made = await attempt(() => writeContent(id, path, '', null), parentOf(path));
      if (made) open(path);
      return made;
    },
    newFolder: (path: string): Promise<boolean> =>
      attempt(() => call(routes.files.mkdir, { params, body: { path } }), parentOf(path)),
    /** For a dialog: throws what went wrong. */
    remove: async ({ path, kind }: FileNode): Promise<void> => {
      const query = kind === 'folder' ? ({ recursive: '1' } as const) : {};
      await call(routes.files.remove, { params: { ...params, '*': path }, query });
      tree.changed([{ path, change: 'gone' }]);
    },
    download: (path: string): void => save(contentUrl(id, path, true), nameOf(path)),
    upload: (folder: string, chosen: readonly Chosen[]): Promise<boolean> =>
      attempt(async () => {
        const files = chosen.map(({ file, path }) => ({ file, path: joinPath(folder, path) }));
        const folders = new Set(
          files.map(({ path }) => parentOf(path)).filter((path) => path !== folder && path !== ''),
        );
        for (const path of folders) await makeFolder(id, path);
        uploads.add(files);
      }),
  };
};
export type Files = ReturnType<typeof useFiles>;

const makeFolder = async (id: SessionId, path: string): Promise<void> => {
  try {
    await call(routes.files.mkdir, { params: { id }, body: { path } });
  } catch (error) {
    if (!isCode(error, 'already_exists')) throw error;
  }
};

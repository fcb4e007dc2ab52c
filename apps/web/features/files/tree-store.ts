/**
 * The live tree of one session: reads folders when they are opened, and again when something in them is new.
 * It does not know React, nor how a folder is read. Changes are gathered; a folder is read by one request at a time.
 */
import { createStore, type StoreApi } from 'zustand/vanilla';
import type { FileChange, FileNode } from '@remote-claude/contract';

import { applyChanges, emptyTree, failed, isShown, loaded, loading, setExpanded, type Tree } from './tree';

export interface TreeStore {
  view: StoreApi<Tree>;
  expand(path: string): void;
  collapse(path: string): void;
  /** Reads a folder now; resolves when it is read or has failed. */
  read(path: string): Promise<void>;
  /** What changed on disk; null for anything. */
  changed(changes: readonly FileChange[] | null): void;
  close(): void;
}

export interface TreeStoreDeps {
  list(path: string): Promise<readonly FileNode[]>;
  /** The sentence for what was thrown. */
  sentence(error: unknown): string;
  expanded: readonly string[];
  onExpanded(paths: readonly string[]): void;
}

/** Changes come in bursts: a build, a checkout. */
const gatherMs = 150;
/** A large folder is read again more rarely: a millisecond more for so many entries. */
const entriesPerMs = 50;

export const createTreeStore = ({ list, sentence, expanded, onExpanded }: TreeStoreDeps): TreeStore => {
  const view = createStore<Tree>()(() => ({ ...emptyTree, expanded: new Set(expanded) }));
  const reading = new Map<string, Promise<void>>();
  const again = new Set<string>();
  const timers = new Map<string, ReturnType<typeof setTimeout>>();
  let closed = false;

  const request = async (path: string): Promise<void> => {
    try {
      const nodes = await list(path);
      if (!closed) view.setState((tree) => loaded(tree, path, nodes), true);
    } catch (error) {
      if (!closed) view.setState((tree) => failed(tree, path, sentence(error)), true);
    }
  };

  const read = (path: string): Promise<void> => {
    const running = reading.get(path);
    if (running !== undefined) {
      again.add(path);
      return running;
    }
    if (view.getState().folders.get(path)?.status !== 'loaded') view.setState((tree) => loading(tree, path), true);
    const done = request(path).finally(() => {
      reading.delete(path);
      if (again.delete(path) && !closed) void read(path);
      else if (!closed) readNewlyShown();
    });
    reading.set(path, done);
    return done;
  };

  /** Folders that are open and were never read: those that were open at the last visit. */
  const readNewlyShown = (): void => {
    const tree = view.getState();
    for (const folder of tree.folders.values()) {
      if (folder.status !== 'loaded') continue;
      for (const { kind, path } of folder.nodes) {
        if (kind === 'folder' && tree.expanded.has(path) && !tree.folders.has(path)) void read(path);
      }
    }
  };

  const readSoon = (path: string): void => {
    const tree = view.getState();
    if (timers.has(path)) return;
    if (!isShown(tree, path)) {
      // Nobody sees it: it is read when it is opened again.
      view.setState({ folders: new Map([...tree.folders].filter(([other]) => other !== path)) });
      return;
    }
    const entries = tree.folders.get(path)?.nodes.length ?? 0;
    const timer = setTimeout(
      () => {
        timers.delete(path);
        void read(path);
      },
      gatherMs + entries / entriesPerMs,
    );
    timers.set(path, timer);
  };

  const setOpen = (path: string, open: boolean): void => {
    view.setState((tree) => setExpanded(tree, path, open), true);
    onExpanded([...view.getState().expanded]);
  };

  return {
    view,
    expand(path) {
      setOpen(path, true);
      if (!view.getState().folders.has(path)) void read(path);
      else readNewlyShown();
    },
    collapse: (path) => setOpen(path, false),
    read,
    changed(changes) {
      if (changes === null) {
        if (!view.getState().folders.has('')) void read('');
        else for (const path of view.getState().folders.keys()) readSoon(path);
        return;
      }
      const { tree, reread } = applyChanges(view.getState(), changes);
      if (tree !== view.getState()) view.setState(tree, true);
      for (const path of reread) readSoon(path);
    },
    close() {
      closed = true;
      for (const timer of timers.values()) clearTimeout(timer);
    },
  };
};

/**
 * A tree that is loaded folder by folder, as a value. Pure: it does not know how a folder is read nor how a row looks.
 * The root is the path ''. Rows are what is seen of it from top to bottom.
 */
import type { FileChange, FileNode } from '@remote-claude/contract';

export interface Folder {
  status: 'loading' | 'loaded' | 'failed';
  /** What is known of it, folders first; also while it is read again. */
  nodes: readonly FileNode[];
  /** Why it could not be read: a sentence. */
  error: string | null;
}

export interface Tree {
  folders: ReadonlyMap<string, Folder>;
  expanded: ReadonlySet<string>;
}

export interface NodeRow {
  kind: 'node';
  path: string;
  node: FileNode;
  /** From 1. */
  level: number;
  expanded: boolean;
  /** Place among its siblings, from 1. */
  position: number;
  siblings: number;
}
/** Said in place of a folder's content. */
export interface WordRow {
  kind: 'loading' | 'failed' | 'empty';
  path: string;
  level: number;
  error: string | null;
}
export type Row = NodeRow | WordRow;

export const emptyTree: Tree = { folders: new Map(), expanded: new Set() };

export const parentOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')));
export const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
export const joinPath = (folder: string, name: string): string => (folder === '' ? name : `${folder}/${name}`);
/** Whether `path` lies in `folder`, or is it. */
export const liesIn = (path: string, folder: string): boolean =>
  folder === '' || path === folder || path.startsWith(`${folder}/`);

const wordRow = (path: string, level: number, folder: Folder | undefined): WordRow | null => {
  if (folder === undefined || (folder.status === 'loading' && folder.nodes.length === 0))
    return { kind: 'loading', path, level, error: null };
  if (folder.status === 'failed') return { kind: 'failed', path, level, error: folder.error };
  return folder.nodes.length === 0 ? { kind: 'empty', path, level, error: null } : null;
};

/** What is seen, from top to bottom. */
export const visibleRows = ({ folders, expanded }: Tree): Row[] => {
  const rows: Row[] = [];
  const walk = (path: string, level: number): void => {
    const folder = folders.get(path);
    const words = wordRow(path, level, folder);
    if (words !== null) rows.push(words);
    const nodes = folder?.nodes ?? [];
    const siblings = nodes.length;
    for (let index = 0; index < siblings; index++) {
      const node = nodes[index];
      if (node === undefined) continue;
      const open = node.kind === 'folder' && expanded.has(node.path);
      rows.push({ kind: 'node', path: node.path, node, level, expanded: open, position: index + 1, siblings });
      if (open) walk(node.path, level + 1);
    }
  };
  walk('', 1);
  return rows;
};

const withFolder = (tree: Tree, path: string, folder: Folder | null): Tree => {
  const folders = new Map(tree.folders);
  if (folder === null) folders.delete(path);
  else folders.set(path, folder);
  return { ...tree, folders };
};

export const loading = (tree: Tree, path: string): Tree =>
  withFolder(tree, path, { status: 'loading', nodes: tree.folders.get(path)?.nodes ?? [], error: null });

/** Without everything that lies in the folders of `gone`. */
const forget = (tree: Tree, gone: readonly string[]): Tree => {
  if (gone.length === 0) return tree;
  const stays = (path: string): boolean => !gone.some((folder) => liesIn(path, folder));
  return {
    folders: new Map([...tree.folders].filter(([path]) => stays(path))),
    expanded: new Set([...tree.expanded].filter(stays)),
  };
};

/** The content of a folder has been read; what is known of folders that are no more is dropped. */
export const loaded = (tree: Tree, path: string, nodes: readonly FileNode[]): Tree => {
  const before = tree.folders.get(path)?.nodes ?? [];
  const known = before.filter(
    ({ kind, path: child }) => kind === 'folder' && (tree.folders.has(child) || tree.expanded.has(child)),
  );
  const there =
    known.length === 0 ? null : new Set(nodes.filter(({ kind }) => kind === 'folder').map((node) => node.path));
  const gone = known.filter((node) => there?.has(node.path) === false).map((node) => node.path);
  return withFolder(forget(tree, gone), path, { status: 'loaded', nodes, error: null });
};

export const failed = (tree: Tree, path: string, error: string): Tree =>
  withFolder(tree, path, { status: 'failed', nodes: tree.folders.get(path)?.nodes ?? [], error });

export const setExpanded = (tree: Tree, path: string, open: boolean): Tree => {
  if (tree.expanded.has(path) === open) return tree;
  const expanded = new Set(tree.expanded);
  if (open) expanded.add(path);
  else expanded.delete(path);
  return { ...tree, expanded };
};

/** Whether a folder's content is on the screen: it and all above it are open. */
export const isShown = ({ expanded }: Tree, path: string): boolean => {
  for (let at = path; at !== ''; at = parentOf(at)) if (!expanded.has(at)) return false;
  return true;
};

/** The folder in whose content a change of `path` shows; null where it shows nowhere. */
const folderToRead = (tree: Tree, path: string): string | null => {
  const parent = parentOf(path);
  const folder = tree.folders.get(parent);
  if (folder !== undefined) return folder.nodes.some((node) => node.path === path) ? null : parent;
  if (parent === '') return null;
  // Something lies in what was a file: that became a folder.
  const above = tree.folders.get(parentOf(parent))?.nodes.find((node) => node.path === parent);
  return above !== undefined && above.kind !== 'folder' ? parentOf(parent) : null;
};

/** What is gone goes at once; the folders that have something new are named, to be read again. */
export const applyChanges = (tree: Tree, changes: readonly FileChange[]): { tree: Tree; reread: string[] } => {
  const gone = changes.filter(({ change }) => change === 'gone').map(({ path }) => path);
  const last = new Map(changes.map(({ path, change }) => [path, change]));
  const reread = new Set<string>();
  for (const [path, change] of last) {
    const folder = change === 'there' ? folderToRead(tree, path) : null;
    if (folder !== null) reread.add(folder);
  }
  const missing = new Set(gone.filter((path) => last.get(path) === 'gone'));
  // A path that went and came back may be of another kind.
  for (const path of gone)
    if (last.get(path) === 'there' && tree.folders.has(parentOf(path))) reread.add(parentOf(path));
  if (missing.size === 0) return { tree, reread: [...reread] };
  let next = forget(
    tree,
    [...missing].filter((path) => tree.folders.has(path) || tree.expanded.has(path)),
  );
  for (const parent of new Set([...missing].map(parentOf))) {
    const folder = next.folders.get(parent);
    if (folder === undefined) continue;
    const nodes = folder.nodes.filter(({ path }) => !missing.has(path));
    if (nodes.length !== folder.nodes.length) next = withFolder(next, parent, { ...folder, nodes });
  }
  return { tree: next, reread: [...reread] };
};

/** Which row a key leads to, by index; null for a key that is not for moving. */
export const moveBy = (rows: readonly Row[], from: number, key: string, page: number): number | null => {
  const last = rows.length - 1;
  if (last < 0) return null;
  switch (key) {
    case 'ArrowDown':
      return Math.min(last, from + 1);
    case 'ArrowUp':
      return Math.max(0, from - 1);
    case 'Home':
      return 0;
    case 'End':
      return last;
    case 'PageDown':
      return Math.min(last, from + page);
    case 'PageUp':
      return Math.max(0, from - page);
    default:
      return null;
  }
};

/** The next row whose name begins so, around the end. */
export const findByPrefix = (rows: readonly Row[], from: number, prefix: string): number | null => {
  const wanted = prefix.toLowerCase();
  for (let step = 0; step < rows.length; step++) {
    const index = (from + step) % rows.length;
    const row = rows[index];
    if (row?.kind === 'node' && row.node.name.toLowerCase().startsWith(wanted)) return index;
  }
  return null;
};

/** Why a name cannot be used; null for one that can. */
export const nameProblem = (name: string): string | null => {
  if (name.trim() === '') return 'Give it a name.';
  if (name.includes('\0')) return 'A name cannot contain a NUL character.';
  const parts = name.split('/');
  if (parts.some((part) => part === '')) return 'A path cannot begin or end with a slash, or have two in a row.';
  if (parts.some((part) => part === '.' || part === '..')) return 'A path cannot contain "." or "..".';
  return new TextEncoder().encode(parts.at(-1)).length > 255 ? 'This name is too long.' : null;
};

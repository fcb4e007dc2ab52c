/** What differs between two trees of the store, folder by folder; what is equal is not looked into. It knows no work tree. */
import { decodeFolder, isSpecial, type Entry, type Hash } from './objects.js';
import type { ObjectStore } from './store.js';

export interface Difference {
  /** Names from the root, in latin1. */
  path: readonly string[];
  before: Entry | null;
  after: Entry | null;
}

export type Objects = Pick<ObjectStore, 'read'>;

export const entriesOf = (objects: Objects, folder: Hash | null): Map<string, Entry> =>
  new Map(folder === null ? [] : decodeFolder(objects.read(folder)).map((entry) => [entry.name, entry]));

export const isEqual = (a: Entry | null, b: Entry | null): boolean =>
  a !== null && b !== null && a.hash === b.hash && a.mode === b.mode && a.kind === b.kind;

/** On either side it is not known what the name held: it is left alone, and is no difference that a rewind would make. */
export const isUnknown = (a: Entry | null, b: Entry | null): boolean => a?.kind === 'skipped' || b?.kind === 'skipped';

/** Paths of what a tree does not hold although it was there, but for what holds nothing. */
export const unknownIn = async (
  objects: Objects,
  root: Hash,
  breath: () => Promise<void> | undefined,
): Promise<string[]> => {
  const found: string[] = [];
  const walk = async (folder: Hash, above: readonly string[]): Promise<void> => {
    for (const entry of entriesOf(objects, folder).values()) {
      await breath();
      const path = [...above, entry.name];
      if (entry.kind === 'folder') await walk(entry.hash, path);
      else if (entry.kind === 'skipped' && !isSpecial(entry)) found.push(shownPath(path));
    }
  };
  await walk(root, []);
  return found;
};

/** Calls `tell` for each; a folder that came or went is told of with everything in it. */
export const eachDifference = async (
  objects: Objects,
  { from, to, breath }: { from: Hash; to: Hash; breath(): Promise<void> | undefined },
  tell: (difference: Difference) => void,
): Promise<void> => {
  const folderHash = (entry: Entry | null): Hash | null => (entry?.kind === 'folder' ? entry.hash : null);
  const walk = async (before: Hash | null, after: Hash | null, above: readonly string[]): Promise<void> => {
    if (before === after) return;
    const old = entriesOf(objects, before);
    const fresh = entriesOf(objects, after);
    for (const name of [...new Set([...old.keys(), ...fresh.keys()])].sort()) {
      await breath();
      const was = old.get(name) ?? null;
      const is = fresh.get(name) ?? null;
      if (isEqual(was, is) || isUnknown(was, is)) continue;
      const path = [...above, name];
      const isSameFolder = was?.kind === 'folder' && is?.kind === 'folder' && was.mode === is.mode;
      if (!isSameFolder) tell({ path, before: was, after: is });
      await walk(folderHash(was), folderHash(is), path);
    }
  };
  await walk(from, to, []);
};

/** The entry at a path of shown names; null where there is none. A name that is not UTF-8 is found as it is shown. */
export const entryAt = (objects: Objects, root: Hash, path: string): Entry | null => {
  let found: Entry | null = null;
  let folder: Hash | null = root;
  for (const part of path.split('/')) {
    if (folder === null) return null;
    const entries: Map<string, Entry> = entriesOf(objects, folder);
    found =
      entries.get(Buffer.from(part).toString('latin1')) ??
      [...entries.values()].find(({ name }) => shownName(name) === part) ??
      null;
    if (found === null) return null;
    folder = found.kind === 'folder' ? found.hash : null;
  }
  return found;
};

const shownName = (name: string): string => Buffer.from(name, 'latin1').toString();
export const shownPath = (path: readonly string[]): string => path.map(shownName).join('/');

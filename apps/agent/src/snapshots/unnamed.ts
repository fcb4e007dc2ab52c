/**
 * Checkpoints of the first format do not hold the names of what they skipped: there it cannot be seen whether a file was
 * not there, or was not kept. Such a tree gets the names from what is there now, as skipped. It touches no work tree.
 */
import type { Checkpoint } from '@remote-claude/contract';

import { maxShownPath } from './capture.js';
import { entriesOf, shownPath } from './differences.js';
import { encodeFolder, ofHex, skippedEntry, type Entry, type Hash } from './objects.js';
import type { ObjectStore } from './store.js';

export interface Told {
  /** The checkpoint's tree, in which what may have been there has its name. */
  root: Hash;
  /** Whether it is of the first format and skipped something. */
  isUnsure: boolean;
}

/** `now` is the tree of which nothing may be lost. */
export const tellUnnamed = async (
  objects: ObjectStore,
  { checkpoint, now, breath }: { checkpoint: Checkpoint; now: Hash; breath(): Promise<void> | undefined },
): Promise<Told> => {
  const to = ofHex(checkpoint.tree);
  const { count, items } = checkpoint.skipped;
  // What changed while it was read is in the tree all the same.
  const named = items.filter(({ why }) => why !== 'changing');
  const isAllNamed = count === items.length;
  if ((named.length === 0 && isAllNamed) || (await holdsSkipped(objects, to, breath)))
    return { root: to, isUnsure: false };

  const paths = new Set(named.map(({ path }) => path));
  const maySkip = (path: readonly string[]): boolean =>
    !isAllNamed || paths.has(shownPath(path).slice(0, maxShownPath));
  const writer = objects.write();
  const fill = async (from: Hash, folder: Hash, above: readonly string[]): Promise<Hash> => {
    if (from === folder) return folder;
    const there = entriesOf(objects, from);
    const kept = entriesOf(objects, folder);
    const entries: Entry[] = [];
    let isSame = true;
    for (const name of [...new Set([...there.keys(), ...kept.keys()])].sort()) {
      await breath();
      const path = [...above, name];
      const [is, was] = [there.get(name), kept.get(name)];
      if (was === undefined) {
        if (!maySkip(path)) continue;
        entries.push(skippedEntry(name, 'unreadable'));
        isSame = false;
      } else if (was.kind === 'folder' && is?.kind === 'folder') {
        const hash = await fill(is.hash, was.hash, path);
        entries.push({ ...was, hash });
        isSame &&= hash === was.hash;
      } else entries.push(was);
    }
    return isSame ? folder : writer.put(encodeFolder(entries));
  };
  try {
    const root = await fill(now, to, []);
    await writer.commit();
    return { root, isUnsure: true };
  } catch (error) {
    await writer.abandon();
    throw error;
  }
};

const holdsSkipped = async (
  objects: Pick<ObjectStore, 'read'>,
  root: Hash,
  breath: () => Promise<void> | undefined,
): Promise<boolean> => {
  const folders = [root];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const { kind, hash } of entriesOf(objects, folder).values()) {
      await breath();
      if (kind === 'skipped') return true;
      if (kind === 'folder') folders.push(hash);
    }
  }
  return false;
};

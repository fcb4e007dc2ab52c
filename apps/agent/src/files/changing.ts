/** Makes folders, moves and deletes: always by name in a descriptor, never through a link. It does not know contents. */
import {
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  closeSync,
  readdirSync,
  rmdirSync,
  unlinkSync,
} from 'node:fs';
import { rename } from 'node:fs/promises';
import { setImmediate as nextRound } from 'node:timers/promises';

import { AppError, type FileNode } from '@remote-claude/contract';

import { codeOf } from './failures.js';
import { nodeAt, statNode } from './reading.js';
import { inTurn, renameToFree, syncFolder } from './saving.js';
import { inFolder, itself, openPath, type WorkTree } from './work-tree.js';

const missing = (): AppError => new AppError('not_found', { message: 'There is no such file or folder.' });
const root = (): AppError => new AppError('path_refused', { message: 'This is the work tree itself.' });
/** Entries that are deleted before others get their turn. */
const sliceEntries = 100;
const maxDepth = 500;

export const makeFolder = async (tree: WorkTree, path: string): Promise<FileNode> =>
  tree.within(path, { follow: false, makeFolders: true }, async (place) => {
    if (place.name.length === 0 || place.stat) throw new AppError('already_exists');
    mkdirSync(inFolder(place.parent, place.name));
    await syncFolder(place.parent);
    return statNode(tree, path);
  });

interface Deletion {
  /** Entries since the last pause. */
  count: number;
}

const deleteInside = async (folder: number, deletion: Deletion, depth: number): Promise<void> => {
  if (depth > maxDepth)
    throw new AppError('conflict', { message: 'The folders are nested too deep; delete this in a terminal.' });
  for (const name of readdirSync(itself(folder), { encoding: 'buffer' })) {
    if ((deletion.count += 1) % sliceEntries === 0) await nextRound();
    await deleteEntry(folder, name, deletion, depth);
  }
};

/** `unlink` never follows; a folder is entered by a descriptor that is not a link's, so nothing outside is reached. */
const deleteEntry = async (folder: number, name: Buffer, deletion: Deletion, depth: number): Promise<void> => {
  const address = inFolder(folder, name);
  try {
    unlinkSync(address);
    return;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return;
    if (codeOf(error) !== 'EISDIR' && codeOf(error) !== 'EPERM') throw error;
  }
  const inner = openSync(address, openPath | constants.O_NOFOLLOW | constants.O_DIRECTORY);
  try {
    await deleteInside(inner, deletion, depth + 1);
  } finally {
    closeSync(inner);
  }
  rmdirSync(address);
};

export const deleteNode = (tree: WorkTree, path: string, recursive: boolean): Promise<void> =>
  tree.within(path, { follow: false }, async (place) => {
    if (place.name.length === 0) throw root();
    if (!place.stat) throw missing();
    if (place.stat.isDirectory() && !recursive) rmdirSync(inFolder(place.parent, place.name));
    else await deleteEntry(place.parent, place.name, { count: 0 }, 0);
    await syncFolder(place.parent);
  });

/** Never onto something that exists. A link is moved as itself. */
export const moveNode = (tree: WorkTree, path: string, to: string): Promise<FileNode> =>
  tree.within(path, { follow: false }, (from) => {
    if (from.name.length === 0) throw root();
    const stat = from.stat;
    if (!stat) throw missing();
    return tree.within(to, { follow: false }, (goal) =>
      inTurn(tree, goal, async () => {
        if (goal.name.length === 0 || goal.stat) throw new AppError('already_exists');
        const source = inFolder(from.parent, from.name);
        const target = inFolder(goal.parent, goal.name);
        // A folder cannot be linked. Renaming one replaces at most an empty folder that was made this very moment.
        if (stat.isDirectory()) {
          if (exists(target)) throw new AppError('already_exists');
          await rename(source, target);
        } else await renameToFree(source, target);
        await syncFolder(goal.parent);
        if (fstatSync(goal.parent).ino !== fstatSync(from.parent).ino) await syncFolder(from.parent);
        return tree.within(to, { follow: false }, (moved) => nodeAt(to, moved));
      }),
    );
  });

const exists = (address: Buffer): boolean => {
  try {
    lstatSync(address);
    return true;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
};
